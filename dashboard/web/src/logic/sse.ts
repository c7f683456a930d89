/* Server-sent events, read from the chunks of a streamed answer. */

export interface Message {
  type: string;
  id: string;
  data: string;
}

/** Takes chunks as they come and gives each message once its blank line is there. */
export function createReader(onMessage: (message: Message) => void): (chunk: string) => void {
  let rest = '';
  let type = '';
  let id = '';
  let data: string[] = [];

  const finish = () => {
    if (data.length > 0) onMessage({ type: type || 'message', id, data: data.join('\n') });
    type = '';
    data = [];
  };

  const take = (line: string) => {
    if (line === '') return finish();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'event') type = value;
    else if (name === 'id') id = value;
    else if (name === 'data') data.push(value);
  };

  return (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line.replace(/\r$/, ''));
  };
}
