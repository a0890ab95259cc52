// Shows /openapi.json and lets one try it. Everything comes from our own origin; text is never read as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];
const DEEPEST = 6;
let api;

function make(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function resolve(schema) {
  if (!schema || !schema.$ref) return schema || {};
  return schema.$ref.slice(2).split("/").reduce((at, step) => (at || {})[step], api) || {};
}

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf || schema.oneOf) return (schema.anyOf || schema.oneOf).map(nameOf).join(" | ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `[${nameOf(schema.items)}]`;
  return [schema.type || "any", schema.format].filter(Boolean).join(" ");
}

function boundsOf(schema) {
  const told = [];
  const choices = [schema, ...(schema.anyOf || [])];
  for (const each of choices) {
    for (const [key, word] of [["minLength", "≥ characters"], ["maxLength", "≤ characters"], ["minimum", "≥"], ["maximum", "≤"],
      ["minItems", "≥ items"], ["maxItems", "≤ items"], ["pattern", "like"]]) {
      if (each[key] !== undefined) told.push(`${word} ${each[key]}`);
    }
  }
  if (schema.default !== undefined && schema.default !== null) told.push(`= ${JSON.stringify(schema.default)}`);
  return told.join(", ");
}

function exampleOf(schema, depth = 0) {
  const full = resolve(schema);
  if (depth > DEEPEST) return null;
  if (full.examples) return full.examples[0];
  if (full.example !== undefined) return full.example;
  if (full.default !== undefined) return full.default;
  if ("const" in full) return full.const;
  if (full.enum) return full.enum[0];
  if (full.anyOf || full.oneOf) return exampleOf((full.anyOf || full.oneOf)[0], depth + 1);
  if (full.type === "array") return full.items ? [exampleOf(full.items, depth + 1)] : [];
  if (full.type === "object" || full.properties) {
    return Object.fromEntries(Object.entries(full.properties || {}).map(([name, each]) => [name, exampleOf(each, depth + 1)]));
  }
  if (full.type === "integer" || full.type === "number") return full.minimum || 0;
  if (full.type === "boolean") return false;
  if (full.format === "uuid") return "00000000-0000-7000-8000-000000000000";
  if (full.format === "date-time") return "2026-03-04T05:06:07.089Z";
  return full.type === "string" ? "" : null;
}

// Only what must be sent: the shortest body that can be right.
function requestExampleOf(schema) {
  const full = resolve(schema);
  if (!full.properties) return exampleOf(schema);
  const wanted = full.required || [];
  return Object.fromEntries(wanted.map((name) => [name, exampleOf(full.properties[name], 1)]));
}

function table(headings, rows) {
  return make("table", {}, make("thead", {}, make("tr", {}, ...headings.map((text) => make("th", { textContent: text })))),
    make("tbody", {}, ...rows));
}

function fieldRows(schema, prefix = "", depth = 0, seen = []) {
  const full = resolve(schema);
  const rows = [];
  for (const [name, each] of Object.entries(full.properties || {})) {
    const required = (full.required || []).includes(name);
    rows.push(make("tr", {},
      make("td", {}, make("code", { textContent: prefix + name, className: required ? "required" : "" })),
      make("td", { textContent: nameOf(each) }),
      make("td", { textContent: [each.description, boundsOf(each)].filter(Boolean).join(" · ") })));
    const inner = [each, each.items, ...(each.anyOf || [])].find((one) => one && one.$ref);
    if (inner && depth < DEEPEST && !seen.includes(inner.$ref)) {
      const mark = each.items ? "[]." : ".";
      rows.push(...fieldRows(inner, `${prefix}${name}${mark}`, depth + 1, [...seen, inner.$ref]));
    }
  }
  return rows;
}

function schemaPart(title, schema) {
  const rows = fieldRows(schema);
  return make("div", {}, make("h3", { textContent: title }),
    rows.length ? table(["field", "type", ""], rows) : make("p", { textContent: nameOf(schema) || "nothing" }));
}

function parameterPart(operation, inputs) {
  const parameters = (operation.parameters || []).map(resolve).filter((each) => each.name !== "X-Project-Id");
  if (!parameters.length) return null;
  const rows = parameters.map((each) => {
    const input = make("input", { placeholder: boundsOf(each.schema || {}) });
    inputs.push({ ...each, input });
    return make("tr", {},
      make("td", {}, make("code", { textContent: each.name, className: each.required ? "required" : "" }), ` ${each.in}`),
      make("td", { textContent: nameOf(each.schema) }),
      make("td", {}, input, make("div", { className: "hint", textContent: each.description || "" })));
  });
  return make("div", {}, make("h3", { textContent: "Parameters" }), table(["name", "type", "value"], rows));
}

function jsonSchemaOf(holder) {
  const content = (holder && holder.content) || {};
  const media = content["application/json"] || Object.values(content)[0];
  return media && media.schema;
}

function requestOf(method, path, inputs, body) {
  let address = path;
  const query = new URLSearchParams();
  const headers = {};
  for (const { name, in: place, input } of inputs) {
    if (!input.value) continue;
    if (place === "path") address = address.replace(`{${name}}`, encodeURIComponent(input.value));
    if (place === "query") query.append(name, input.value);
    if (place === "header") headers[name] = input.value;
  }
  const credential = document.getElementById("credential").value.trim();
  const project = document.getElementById("project").value.trim();
  if (credential) headers.Authorization = `Bearer ${credential}`;
  if (project) headers["X-Project-Id"] = project;
  if (body && body.value.trim()) headers["Content-Type"] = "application/json";
  const text = query.toString();
  return [address + (text ? `?${text}` : ""), {
    method: method.toUpperCase(), headers, cache: "no-store", body: body && body.value.trim() ? body.value : undefined,
  }];
}

async function send(method, path, inputs, body, shown) {
  const [address, options] = requestOf(method, path, inputs, body);
  shown.textContent = `${options.method} ${address} …`;
  try {
    const started = performance.now();
    const answer = await fetch(address, options);
    const text = await answer.text();
    let readable = text;
    try { readable = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: shown as it came */ }
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    const took = Math.round(performance.now() - started);
    shown.textContent = `${answer.status} ${answer.statusText} in ${took} ms\n${headers}\n\n${readable}`;
  } catch (error) {
    shown.textContent = `No answer: ${error.message}`;
  }
}

function inside(method, path, operation) {
  const inputs = [];
  const part = make("div", { className: "inside" });
  if (operation.description) part.append(make("p", { textContent: operation.description }));
  const parameters = parameterPart(operation, inputs);
  if (parameters) part.append(parameters);
  const wanted = jsonSchemaOf(operation.requestBody);
  let body = null;
  if (wanted) {
    body = make("textarea", { value: JSON.stringify(requestExampleOf(wanted), null, 2), spellcheck: false });
    part.append(schemaPart("Body", wanted), body);
  }
  const shown = make("pre", { className: "hidden" });
  const button = make("button", { type: "button", textContent: "Send" });
  button.addEventListener("click", () => { shown.classList.remove("hidden"); send(method, path, inputs, body, shown); });
  part.append(make("p", {}, button), shown);
  for (const [status, answer] of Object.entries(operation.responses || {})) {
    const full = resolve(answer);
    const schema = jsonSchemaOf(full);
    if (status === "default") part.append(make("p", { className: "hint", textContent: "Any refusal is a problem document (RFC 9457)." }));
    else if (schema) part.append(schemaPart(`Answer ${status}`, schema));
    else part.append(make("h3", { textContent: `Answer ${status}` }), make("p", { textContent: full.description || "" }));
  }
  return part;
}

function operationPart(method, path, operation) {
  const asks = operation["x-permission"] + (operation["x-role"] ? ` (${operation["x-role"]})` : "");
  const part = make("details", { className: "operation", id: operation.operationId || "" }, make("summary", {},
    make("span", { className: `method ${method}`, textContent: method.toUpperCase() }),
    make("span", { className: "path", textContent: path }),
    make("span", { className: "what", textContent: operation.summary || "" }),
    make("span", { className: "permission", title: "who may call it", textContent: asks })));
  part.dataset.words = [method, path, operation.summary, asks, operation["x-service"], ...(operation.tags || [])].join(" ").toLowerCase();
  part.addEventListener("toggle", () => { if (part.open && part.childElementCount === 1) part.append(inside(method, path, operation)); });
  return part;
}

function show() {
  document.getElementById("version").textContent = `Version ${api.info.version} · OpenAPI ${api.openapi}`;
  document.getElementById("introduction").textContent = api.info.description || "";
  const groups = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS.filter((each) => item[each])) {
      const tag = (item[method].tags || ["other"])[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationPart(method, path, item[method]));
    }
  }
  const sections = [...groups].map(([tag, parts]) => make("section", {}, make("h2", { textContent: tag }), ...parts));
  document.getElementById("operations").replaceChildren(...sections);
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (named) { named.open = true; named.scrollIntoView(); }
}

function filter(event) {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const part of document.querySelectorAll("details.operation")) {
    part.classList.toggle("hidden", !words.every((word) => part.dataset.words.includes(word)));
  }
  for (const section of document.querySelectorAll("section")) {
    section.classList.toggle("hidden", !section.querySelector("details.operation:not(.hidden)"));
  }
}

document.getElementById("filter").addEventListener("input", filter);
document.getElementById("credentials").addEventListener("submit", (event) => event.preventDefault());
fetch("/openapi.json").then((answer) => answer.json()).then((document_) => { api = document_; show(); }).catch((error) => {
  document.getElementById("operations").textContent = `The document could not be read: ${error.message}`;
});
