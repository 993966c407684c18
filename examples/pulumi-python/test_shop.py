"""Unit tests of the stack, without a provider and without an API."""

import re
import runpy
import unittest

import pulumi
from polykomos_mocks import PolykomosMocks

pulumi.runtime.set_mocks(PolykomosMocks(), project="polykomos-shop", stack="dev")
shop = runpy.run_path("__main__.py")


class ShopTest(unittest.TestCase):
    """What the program makes of the values that the API returns."""

    @pulumi.runtime.test
    def test_the_connection_string_is_a_url(self) -> pulumi.Output[None]:
        """The mocked value reaches the program's output."""
        url = shop["orders"].connection_string
        return url.apply(lambda text: self.assertRegex(text, r"^postgresql://.+@.+/.+$"))

    @pulumi.runtime.test
    def test_the_blueprint_has_an_id_and_a_version(self) -> pulumi.Output[None]:
        """A mocked UUID has the form of a real one."""
        contacts = shop["contacts"]
        uuid = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

        def check(values: list[object]) -> None:
            self.assertRegex(str(values[0]), uuid)
            self.assertEqual(values[1:], [1, "shop-contacts"])

        return pulumi.Output.all(contacts.uuid, contacts.version, contacts.name).apply(check)


if __name__ == "__main__":
    unittest.main()
