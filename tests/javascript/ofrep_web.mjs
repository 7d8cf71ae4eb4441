// A page that shows flags, by OpenFeature's provider for browsers. It writes a line for each answer of the server, for
// each event, and with the boolean flags that it knows then. Arguments: URL, key, the provider's options, the context.
import { EventSource } from "eventsource";
import { OFREPWebProvider } from "@openfeature/ofrep-web-provider";
import { OpenFeature, ProviderEvents } from "@openfeature/web-sdk";

const [baseUrl, key, options, context] = process.argv.slice(2);
const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");
globalThis.EventSource = EventSource;

const provider = new OFREPWebProvider({
  baseUrl,
  // A map fails in this version.
  headers: [["Authorization", `Bearer ${key}`]],
  fetchImplementation: async (...request) => {
    const response = await fetch(...request);
    say({ status: response.status });
    return response;
  },
  ...JSON.parse(options),
});
const client = OpenFeature.getClient();
const flags = () => Object.fromEntries(Object.keys(provider.flagCache).map((key) => [key, client.getBooleanDetails(key, false)]));
for (const event of Object.values(ProviderEvents)) {
  client.addHandler(event, (details) => say({ event, changed: details?.flagsChanged, flags: flags() }));
}
await OpenFeature.setContext(JSON.parse(context));
await OpenFeature.setProviderAndWait(provider).catch((error) => say({ failed: error.message }));
