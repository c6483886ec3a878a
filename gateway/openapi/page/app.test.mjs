// What the page makes of the document, without a browser.
import assert from "node:assert";
import {readFileSync} from "node:fs";
import test from "node:test";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
const app = await import("data:text/javascript," + encodeURIComponent(read("app.js")));

const contract = {
  paths: {
    "/v1/rooms/{room}/desks": {
      get: {operationId: "ListDesks", summary: "Lists desks", tags: ["Desk"]},
      post: {operationId: "CreateDesk", summary: "Enters a desk", tags: ["Desk"], requestBody: {content: {}}},
    },
  },
  components: {schemas: {Desk: {type: "object", description: "A desk"}}},
};

test("operations are found by every word", () => {
  const operations = app.operationsOf(contract);
  assert.deepStrictEqual(operations.map((one) => one.operationId), ["ListDesks", "CreateDesk"]);
  assert.ok(app.matches(operations[1], "POST desk enters"));
  assert.ok(!app.matches(operations[0], "POST desk"));
});

test("a reference keeps what stands beside it", () => {
  const resolved = app.resolve(contract, {$ref: "#/components/schemas/Desk", description: "Mine"});
  assert.deepStrictEqual(resolved, {type: "object", description: "Mine"});
});

test("a request is escaped, and carries the token in its header only", () => {
  const [list, create] = app.operationsOf(contract);
  const parameters = [
    {in: "path", name: "room", schema: {type: "string"}},
    {in: "query", name: "woods", schema: {type: "array"}},
    {in: "query", name: "notes", schema: {type: "object"}},
    {in: "query", name: "filter", schema: {type: "string"}},
    {in: "header", name: "If-Match", schema: {type: "string"}},
  ];
  const values = {"path room": "a/b c", "query woods": "OAK\nBEECH\n", "query notes": "a=1=2", "query filter": "", "header If-Match": '"x"'};
  const request = app.requestOf(list, parameters, values, "{}", "secret");
  assert.strictEqual(request.url, "/v1/rooms/a%2Fb%20c/desks?woods=OAK&woods=BEECH&notes%5Ba%5D=1%3D2");
  assert.deepStrictEqual(request.options, {method: "GET", headers: {"If-Match": '"x"', Authorization: "Bearer secret"}});
  assert.ok(!app.curlOf(request, "https://x").includes("secret"));
  const sent = app.requestOf(create, [], {"path room": "1"}, '{"a": "it\'s"}', "");
  assert.strictEqual(sent.options.headers["Content-Type"], "application/json");
  assert.ok(app.curlOf(sent, "https://x").endsWith(`--data-binary '{"a": "it'\\''s"}'`));
});

test("a comment's code and foreign words are told from the rest", () => {
  assert.deepStrictEqual(app.piecesOf("`a_b` of *boligsociale helhedsplaner*, not a/*/b/*"), [
    {kind: "code", text: "a_b"},
    {kind: "", text: " of "},
    {kind: "em", text: "boligsociale helhedsplaner"},
    {kind: "", text: ", not a/*/b/*"},
  ]);
  assert.deepStrictEqual(app.piecesOf(""), []);
});

test("nothing is made of markup, and no other host is named", () => {
  for (const name of ["app.js", "index.html", "style.css"]) {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|https?:|\/\/[a-z]+\./, name);
  }
  assert.doesNotMatch(read("index.html"), /<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=/);
});

test("every control has a label", () => {
  const page = read("index.html");
  for (const [, id] of page.matchAll(/<(?:input|select|textarea) id="([^"]+)"/g)) assert.ok(page.includes(`<label for="${id}"`), id);
  assert.match(page, /<html lang="en">/);
});
