import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascriptLanguage } from "@codemirror/lang-javascript";
import { json, jsonParseLinter } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { linter } from "@codemirror/lint";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { editorTheme, singleLook } from "./theme";

export interface EditorOptions {
  language: "reql" | "json";
  label: string;
  readOnly?: boolean;
  /** One line without numbers, as an input field. */
  single?: boolean;
  placeholder?: string;
  extensions?: Extension;
  /** Ctrl/Cmd-Enter, in a single line Enter, too. */
  onRun?: () => void;
  onChange?: (text: string) => void;
}

/** An editor inside a shadow root: there its styles need no inline `<style>`, which the pages' policy forbids. */
export function createEditor(host: HTMLElement, text: string, options: EditorOptions): EditorView {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  return new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: text, extensions: extensionsFor(options) }),
  });
}

/** Puts another text in, unless it is there already. */
export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return;
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

function extensionsFor(options: EditorOptions): Extension {
  const runKeys = options.onRun
    ? [
        { key: "Mod-Enter", run: () => (options.onRun?.(), true) },
        ...(options.single ? [{ key: "Enter", run: () => (options.onRun?.(), true) }] : []),
      ]
    : [];
  return [
    keymap.of(runKeys),
    // Of two looks, the first one counts.
    options.single ? singleLook : [],
    editorTheme,
    EditorView.contentAttributes.of({ "aria-label": options.label, ...(options.readOnly ? { tabindex: "0" } : {}) }),
    EditorState.tabSize.of(2),
    indentUnit.of("  "),
    drawSelection(),
    bracketMatching(),
    search({ top: true }),
    options.language === "json" ? json() : javascriptLanguage,
    options.single ? singleLine : [EditorView.lineWrapping, lineNumbers(), foldGutter({ openText: "▾", closedText: "▸" })],
    options.readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : writing(options),
    options.placeholder ? placeholder(options.placeholder) : [],
    keymap.of([...searchKeymap, ...foldKeymap, ...defaultKeymap]),
    options.extensions ?? [],
    EditorView.updateListener.of((update) => {
      if (update.docChanged) options.onChange?.(update.state.doc.toString());
    }),
  ];
}

function writing(options: EditorOptions): Extension {
  return [
    history(),
    closeBrackets(),
    indentOnInput(),
    options.language === "json" && !options.single ? linter(emptyAware(jsonParseLinter()), { delay: 250 }) : [],
    keymap.of([...closeBracketsKeymap, ...historyKeymap, ...completionKeymap, ...(options.single ? [] : [indentWithTab])]),
  ];
}

/** An empty editor is no mistake yet. */
function emptyAware(check: ReturnType<typeof jsonParseLinter>): ReturnType<typeof jsonParseLinter> {
  return (view) => (view.state.doc.length === 0 ? [] : check(view));
}

const singleLine = EditorState.transactionFilter.of((transaction) =>
  transaction.newDoc.lines > 1 ? [] : transaction,
);
