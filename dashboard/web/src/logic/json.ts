/* Line breaks for stored JSON without reading it: only blanks between tokens change, never a digit. */

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

export function indentJson(text: string): string {
  let out = '';
  let depth = 0;
  let before = '';
  for (const [token] of text.matchAll(TOKEN)) {
    const isClosing = token === '}' || token === ']';
    if (isClosing) depth = Math.max(0, depth - 1);
    const isAfterOpening = before === '{' || before === '[';
    const isEmptyPair = isClosing && isAfterOpening;
    if ((isClosing && !isEmptyPair) || (isAfterOpening && !isClosing) || before === ',')
      out += `\n${'  '.repeat(depth)}`;
    if (before === ':') out += ' ';
    out += token;
    if (token === '{' || token === '[') depth++;
    before = token;
  }
  return out;
}
