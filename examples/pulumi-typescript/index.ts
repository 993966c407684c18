// The program that `pulumi up` runs.
import { shop } from "./shop.js";

export const { endpoint, connectionString, plan } = shop();
