// Asks our server through OpenFeature's provider for servers. In: lines of {type, key, otherwise, context}. Out: a line
// of details each.
import { createInterface } from "node:readline";
import { OFREPProvider } from "@openfeature/ofrep-provider";
import { OpenFeature } from "@openfeature/server-sdk";

const [baseUrl, key] = process.argv.slice(2);
await OpenFeature.setProviderAndWait(new OFREPProvider({ baseUrl, headers: [["Authorization", `Bearer ${key}`]] }));
const client = OpenFeature.getClient();
const ask = {
  boolean: client.getBooleanDetails,
  string: client.getStringDetails,
  number: client.getNumberDetails,
  object: client.getObjectDetails,
};

for await (const line of createInterface({ input: process.stdin })) {
  const { type, key, otherwise, context } = JSON.parse(line);
  const { value, variant, reason, flagMetadata, errorCode } = await ask[type].call(client, key, otherwise, context);
  process.stdout.write(JSON.stringify({ value, variant, reason, flagMetadata, errorCode }) + "\n");
}
