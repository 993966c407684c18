// Runs the program by the Automation API: as `pulumi up` and `pulumi destroy` do, without Pulumi's Node.js host.
import { LocalWorkspace } from "@pulumi/pulumi/automation";
import { shop } from "./shop.js";

async function main(command?: string, stackName?: string): Promise<void> {
    if (!stackName || (command !== "up" && command !== "destroy")) {
        throw new Error("usage: npm start -- up|destroy STACK");
    }
    const project = { stackName, projectName: "polykomos-shop", program: async () => shop() };
    const stack = await LocalWorkspace.createOrSelectStack(project, { workDir: "." });
    const onOutput = (text: string) => process.stdout.write(text);
    await (command === "up" ? stack.up({ onOutput }) : stack.destroy({ onOutput }));
}

main(...process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
});
