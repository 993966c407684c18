// Unit tests of the stack, without a provider and without an API.
import * as assert from "node:assert";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { PolykomosMocks } from "./polykomos-mocks.js";

const ready = pulumi.runtime.setMocks(new PolykomosMocks(), "polykomos-shop", "dev");

function value<T>(output: pulumi.Output<T> | undefined): Promise<T | undefined> {
    return new Promise((resolve) => (output ? output.apply((found) => resolve(found)) : resolve(undefined)));
}

test("the connection string is a URL, and the function's result is there", async () => {
    await ready;
    const { shop } = await import("./shop.js");
    const { connectionString, plan } = shop();
    assert.match(String(await value(connectionString)), /^postgresql:\/\/.+@.+\/.+$/);
    assert.strictEqual(await value(plan), "free");
});
