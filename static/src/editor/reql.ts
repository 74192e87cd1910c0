import { autocompletion, type Completion as Item, type CompletionContext, type CompletionResult } from "@codemirror/autocomplete";
import { setDiagnostics } from "@codemirror/lint";
import type { Extension } from "@codemirror/state";
import { type EditorView, hoverTooltip } from "@codemirror/view";
import type { ErrorBody, Term } from "../api/types";
import { complete, optionName, writtenName, type Knowledge, type Proposal } from "../explorer/completion";
import { tableAt } from "../explorer/context";
import { placeOf } from "../explorer/place";

/** Completion, and the documentation of a term under the pointer. */
export function reqlSupport(knowledge: () => Knowledge): Extension {
  return [
    autocompletion({ override: [(context) => propose(context, knowledge())], icons: false, activateOnTypingDelay: 60 }),
    hoverTooltip((view, position) => {
      const word = view.state.wordAt(position);
      const name = word ? view.state.sliceDoc(word.from, word.to) : "";
      const isCall = word !== null && word.from > 0 && view.state.sliceDoc(word.from - 1, word.from) === ".";
      const term = isCall ? knowledge().terms.find((other) => writtenName(other) === name) : undefined;
      return term && word ? { pos: word.from, end: word.to, above: true, create: () => ({ dom: termInfo(term) }) } : null;
    }),
  ];
}

/** Marks the place of an error, or nothing. */
export function markError(view: EditorView, error: ErrorBody | null): void {
  const place = error ? placeOf(error, view.state.doc.toString()) : null;
  const marks = error && place ? [{ ...place, severity: "error" as const, message: error.message }] : [];
  view.dispatch(setDiagnostics(view.state, marks));
}

async function propose(context: CompletionContext, knowledge: Knowledge): Promise<CompletionResult | null> {
  const text = context.state.doc.toString();
  const { database, table } = tableAt(text, context.pos);
  const asked = table ?? knowledge.thisTable;
  if (asked) await knowledge.prepare?.(database ?? knowledge.defaultDatabase, asked);
  const found = complete(text, context.pos, knowledge);
  if (!found) return null;
  return { from: found.from, options: found.proposals.map(item), validFor: /^[\w$-]*$/ };
}

const BOOSTS: Partial<Record<Proposal["kind"], number>> = { option: 2, field: 1 };

function item(proposal: Proposal): Item {
  const made: Item = { label: proposal.label, type: proposal.kind, boost: proposal.first ? 1 : (BOOSTS[proposal.kind] ?? 0) };
  if (proposal.detail && proposal.kind !== "term") made.detail = proposal.detail;
  if (proposal.insert !== undefined) made.apply = proposal.insert;
  if (proposal.doc) made.info = () => docElement(proposal.detail ?? proposal.label, proposal.doc ?? "", proposal.options ?? []);
  return made;
}

function termInfo(term: Term): HTMLElement {
  return docElement(term.signature, term.doc, term.options.map(optionName));
}

function docElement(signature: string, doc: string, options: readonly string[]): HTMLElement {
  const element = document.createElement("div");
  element.className = "cm-doc";
  element.append(part("b", signature), part("span", doc));
  const shown = options.filter((name) => !name.startsWith("_"));
  if (shown.length > 0) element.append(part("i", `Options: ${shown.join(", ")}`));
  return element;
}

function part(name: string, text: string): HTMLElement {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}
