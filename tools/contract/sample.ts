// What a TypeScript client gets from the document alone: create a lead, find it again in the list, read a problem.
import type { components, paths } from "./generated/api.js";

type Create = paths["/v1/leads"]["post"];
type Body = Create["requestBody"]["content"]["application/json"];
type Created = Create["responses"][201]["content"]["application/json"];
type List = paths["/v1/leads"]["get"];
type Page = List["responses"][200]["content"]["application/json"];
type Query = NonNullable<List["parameters"]["query"]>;
type Problem = components["schemas"]["Problem"];

declare const process: { env: Record<string, string | undefined> };

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set`);
  return value;
}

async function call<T>(method: string, path: string, body?: Body): Promise<T> {
  const headers: Record<string, string> = { authorization: `Bearer ${setting("TOKEN")}` };
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(setting("BASE_URL") + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) {
    const problem = (await response.json()) as Problem;
    throw new Error(`${problem.status} ${problem.code}: ${problem.detail}`);
  }
  return (await response.json()) as T;
}

const lead: Body = {
  type: "sales",
  source: "contract-sample",
  comments: "Is the blue one still there?",
  contact: { first_name: "Ines", last_name: "Marchetti", emails: [{ address: "ines.marchetti@example.com" }] },
  vehicles_of_interest: [{ year: 2024, make: "Renault", model: "Clio" }],
};
const dealership = process.env["DEALERSHIP_ID"];
if (dealership !== undefined) lead.dealership_id = dealership;

const created: Created = await call<Created>("POST", "/v1/leads", lead);
const query: Query = { source: ["contract-sample"], limit: 5, sort: "-created_at" };
const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
const page: Page = await call<Page>("GET", `/v1/leads?${search}`);
const found: components["schemas"]["Lead"] | undefined = page.data.find((l) => l.id === created.id);
if (found === undefined) throw new Error("the lead that was created is not in the list");
const next: string | null = page.next_cursor;
console.log(`created and listed lead ${found.id}, status ${found.status}, more: ${next !== null}`);
