// The page to browse and try the API. It reads /openapi.json from the gateway that serves it and reaches no other host. Whatever
// comes from outside is shown as text, never as markup.

const verbs = ["get", "post", "put", "patch", "delete"];

// Every operation of the document, in its order.
export function operationsOf(document) {
  const operations = [];
  for (const [path, item] of Object.entries(document.paths)) {
    for (const verb of verbs) {
      if (item[verb]) operations.push({path, verb: verb.toUpperCase(), ...item[verb]});
    }
  }
  return operations;
}

// What a reference stands for, what stands beside it kept.
export function resolve(document, value) {
  let resolved = value;
  for (let hops = 0; resolved && resolved.$ref && hops < 10; ++hops) {
    const {$ref, ...beside} = resolved;
    const target = $ref.slice(2).split("/").reduce((at, name) => at && at[name], document);
    resolved = {...target, ...beside};
  }
  return resolved;
}

// Whether every word of `wanted` occurs in what an operation says of itself.
export function matches(operation, wanted) {
  const text = [operation.verb, operation.path, operation.operationId, operation.summary].join(" ").toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

// What fetch takes, of the values of the form by place and name: `path organisation`, `query pageSize`, `header If-Match`.
export function requestOf(operation, parameters, values, body, token) {
  const value = (parameter) => values[parameter.in + " " + parameter.name] ?? "";
  const path = operation.path.replace(/\{([^}]+)\}/g, (whole, name) => {
    const given = values["path " + name] ?? "";
    return name === "rest" ? given.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(given);
  });
  const query = new URLSearchParams();
  const headers = {};
  for (const parameter of parameters) {
    const given = value(parameter);
    if (given === "") continue;
    if (parameter.in === "header") headers[parameter.name] = given;
    if (parameter.in !== "query") continue;
    const type = parameter.schema && parameter.schema.type;
    if (type === "array") {
      for (const one of given.split("\n").map((text) => text.trim()).filter(Boolean)) query.append(parameter.name, one);
    } else if (type === "object") {
      for (const one of given.split("\n").filter((text) => text.includes("="))) {
        query.append(parameter.name + "[" + one.slice(0, one.indexOf("=")).trim() + "]", one.slice(one.indexOf("=") + 1).trim());
      }
    } else {
      query.append(parameter.name, given);
    }
  }
  if (token) headers.Authorization = "Bearer " + token;
  const options = {method: operation.verb, headers};
  if (operation.requestBody && body.trim() !== "") {
    options.body = body;
    headers["Content-Type"] = "application/json";
  }
  return {url: path + (query.size || query.toString() ? "?" + query : ""), options};
}

// The same as a command line. A token is not put into it: command lines are kept in history.
export function curlOf({url, options}, origin) {
  const quoted = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  const parts = ["curl", "-X", options.method, quoted(origin + url)];
  for (const [name, value] of Object.entries(options.headers)) {
    parts.push("-H", name === "Authorization" ? '"Authorization: Bearer $TOKEN"' : quoted(name + ": " + value));
  }
  if (options.body) parts.push("--data-binary", quoted(options.body));
  return parts.join(" ");
}

// A schema in a few words: `string, at most 300 characters`.
export function limitsOf(schema) {
  const words = [Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "any value"];
  if (schema.format) words.push(schema.format);
  if (schema.minLength !== undefined) words.push("at least " + schema.minLength + " characters");
  if (schema.maxLength !== undefined) words.push("at most " + schema.maxLength + " characters");
  if (schema.minimum !== undefined) words.push("from " + schema.minimum);
  if (schema.maximum !== undefined) words.push("to " + schema.maximum);
  if (schema.minItems !== undefined) words.push("at least " + schema.minItems + " elements");
  if (schema.maxItems !== undefined) words.push("at most " + schema.maxItems + " elements");
  if (schema.pattern) words.push("matching " + schema.pattern);
  if (schema.enum) words.push("one of " + schema.enum.join(", "));
  if (schema.readOnly) words.push("set by the server");
  if (schema["x-data-class"]) words.push(schema["x-data-class"].toLowerCase());
  return words.join(", ");
}

// The pieces of a comment of the contract: what stands between backticks is code, words between asterisks are of another language.
export function piecesOf(text) {
  const kinds = {"`": "code", "*": "em"};
  return text.split(/(`[^`\n]+`|\*\p{L}[\p{L} ]*\*)/u).map((piece, index) => {
    return index % 2 ? {kind: kinds[piece[0]], text: piece.slice(1, -1)} : {kind: "", text: piece};
  }).filter((piece) => piece.text !== "");
}

// An element with attributes and children; texts become text nodes.
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// An element that holds a comment.
function prose(name, text, attributes = {class: "text"}) {
  return make(name, attributes, ...piecesOf(text).map((piece) => (piece.kind ? make(piece.kind, {}, piece.text) : piece.text)));
}

// The properties of a schema, each to be opened; a schema within itself is not gone into again.
function schemaTree(contract, schema, above = []) {
  const resolved = resolve(contract, schema);
  const inner = resolved.type === "array" ? resolve(contract, resolved.items) : resolved;
  const reference = (resolved.type === "array" ? resolved.items : schema).$ref;
  if (!inner.properties) return make("p", {class: "type"}, limitsOf(resolved));
  if (reference && above.includes(reference)) return make("p", {class: "type"}, "the same again");
  const list = make("div");
  for (const [name, property] of Object.entries(inner.properties)) {
    const value = resolve(contract, property);
    const required = (inner.required || []).includes(name) ? ", required" : "";
    const details = make("details", {}, make("summary", {}, make("code", {}, name), make("span", {class: "type"}, " " + (value.type || "any value") + required)));
    // Made when it is opened: a schema may hold itself, and most are never looked at.
    details.addEventListener("toggle", () => {
      if (details.open && details.childElementCount === 1) {
        if (value.description) details.append(prose("p", value.description));
        details.append(schemaTree(contract, property, reference ? [...above, reference] : above));
      }
    });
    list.append(details);
  }
  return list;
}

function parameterField(contract, parameter, index) {
  const schema = resolve(contract, parameter.schema);
  const id = "parameter-" + index;
  const several = schema.type === "array" || schema.type === "object";
  const input = schema.enum ? make("select", {}, make("option", {value: ""}, "")) : make(several ? "textarea" : "input", several ? {rows: 2} : {type: "text"});
  for (const value of schema.enum || []) input.append(make("option", {value}, value));
  input.id = id;
  input.name = parameter.in + " " + parameter.name;
  input.setAttribute("aria-describedby", id + "-note");
  input.setAttribute("spellcheck", "false");
  if (parameter.required) input.required = true;
  if (parameter.in === "path" && parameter.example) input.value = parameter.example;
  const hint = schema.type === "array" ? " One a line." : schema.type === "object" ? " One name=value a line." : "";
  const note = prose("p", (parameter.description || "") + hint + " (" + limitsOf(schema) + ")", {class: "note text", id: id + "-note"});
  return make("div", {class: "field"}, make("label", {for: id}, parameter.name + (parameter.required ? " (required)" : "")), input, note);
}

// Shows an answer as it comes; a stream is shown piece by piece.
async function show(response, status, output, headers) {
  status.textContent = response.status + " " + response.statusText;
  status.className = response.ok ? "good" : "bad";
  headers.textContent = [...response.headers].map(([name, value]) => name + ": " + value).join("\n");
  const type = response.headers.get("content-type") || "";
  if (!response.body || type.startsWith("application/json")) {
    const text = await response.text();
    try {
      output.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      output.textContent = text;
    }
    return;
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  output.textContent = "";
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    // What is far above is let go, so that an endless stream does not fill the memory.
    output.textContent = (output.textContent + value).slice(-200000);
  }
}

function tryForm(contract, operation, parameters) {
  const form = make("form", {autocomplete: "off"}, make("h3", {}, "Try it"));
  parameters.forEach((parameter, index) => form.append(parameterField(contract, parameter, index)));
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  const body = make("textarea", {id: "body", rows: 14, spellcheck: "false"});
  if (media) {
    if (media.example) body.value = JSON.stringify(media.example, null, 2);
    form.append(make("div", {class: "field"}, make("label", {for: "body"}, "Body (JSON)"), body));
  }
  const send = make("button", {type: "submit"}, "Send");
  const stop = make("button", {type: "button", disabled: ""}, "Stop");
  const status = make("p", {role: "status", "aria-live": "polite"});
  const command = make("pre", {tabindex: "0", "aria-label": "The same with curl"});
  const headers = make("pre", {tabindex: "0", "aria-label": "Header fields of the answer"});
  const output = make("pre", {tabindex: "0", "aria-label": "Body of the answer"});
  const answer = make("section", {"aria-label": "Answer", hidden: ""}, make("h3", {}, "Answer"), status, headers, output, make("h3", {}, "With curl"), command);
  form.append(send, stop);
  let abort = null;
  stop.addEventListener("click", () => abort && abort.abort());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(form));
    const request = requestOf(operation, parameters, values, body.value, document.getElementById("token").value.trim());
    answer.hidden = false;
    status.className = "";
    status.textContent = "Sent.";
    command.textContent = curlOf(request, location.origin);
    output.textContent = headers.textContent = "";
    abort = new AbortController();
    send.disabled = true;
    stop.disabled = false;
    try {
      await show(await fetch(request.url, {...request.options, signal: abort.signal, credentials: "omit", redirect: "error"}), status, output, headers);
    } catch (error) {
      status.textContent = error.name === "AbortError" ? "Stopped." : "No answer: " + error.message;
      status.className = "bad";
    }
    send.disabled = false;
    stop.disabled = true;
  });
  return [form, answer];
}

function showOperation(contract, operation) {
  const parameters = (operation.parameters || []).map((parameter) => resolve(contract, parameter));
  const main = document.getElementById("method");
  const responses = make("dl");
  for (const [code, value] of Object.entries(operation.responses)) {
    const response = resolve(contract, value);
    responses.append(make("dt", {}, code), prose("dd", response.description));
  }
  const parts = [
    make("h2", {}, make("span", {class: "verb"}, operation.verb), operation.path),
    prose("p", operation.description || ""),
    ...tryForm(contract, operation, parameters),
  ];
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  if (media) parts.push(make("h3", {}, "What the body may hold"), schemaTree(contract, media.schema));
  const success = Object.values(operation.responses["200"].content || {})[0];
  if (success) parts.push(make("h3", {}, "What the answer holds"), schemaTree(contract, success.schema));
  parts.push(make("h3", {}, "Answers"), responses);
  main.replaceChildren(...parts);
  document.title = operation.operationId + " - Helhed: the API";
}

function listOperations(contract, operations, wanted) {
  const list = document.getElementById("methods");
  const shown = operations.filter((operation) => matches(operation, wanted));
  document.getElementById("count").textContent = shown.length + " of " + operations.length + " methods";
  list.replaceChildren();
  for (const tag of contract.tags) {
    const own = shown.filter((operation) => operation.tags.includes(tag.name));
    if (own.length === 0) continue;
    const items = own.map((operation) => {
      const link = make("a", {href: "#" + operation.operationId}, make("span", {class: "verb"}, operation.verb), operation.summary);
      if (location.hash === "#" + operation.operationId) link.setAttribute("aria-current", "true");
      return make("li", {}, link);
    });
    list.append(make("h2", {}, tag.name), make("ul", {}, ...items));
  }
}

async function start() {
  const notice = document.getElementById("notice");
  try {
    const response = await fetch("/openapi.json", {credentials: "omit"});
    if (!response.ok) throw new Error("HTTP " + response.status);
    const contract = await response.json();
    const operations = operationsOf(contract);
    const search = document.getElementById("search");
    const go = (moved) => {
      listOperations(contract, operations, search.value);
      const operation = operations.find((one) => "#" + one.operationId === location.hash);
      if (operation) showOperation(contract, operation);
      else notice.replaceChildren(...prose("p", contract.info.description).childNodes);
      notice.classList.add("text");
      // Who follows a link with the keyboard goes on where it leads.
      if (moved && operation) document.getElementById("method").focus();
    };
    document.getElementById("title").textContent = contract.info.title + ": the API";
    search.addEventListener("input", () => listOperations(contract, operations, search.value));
    document.getElementById("identity").addEventListener("submit", (event) => event.preventDefault());
    window.addEventListener("hashchange", () => go(true));
    go(false);
  } catch (error) {
    notice.textContent = "The contract could not be read: " + error.message;
  }
}

if (typeof document !== "undefined") start();
