import { InvalidInput } from '#src/kernel/errors.ts'

/**
 * Bytes as text with line feeds only (\r\n and a lone \r become \n), without a byte order mark.
 * @throws InvalidInput when the bytes are not UTF-8, naming the line
 */
export async function* decodeText(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let line = 1
  let heldBack = ''
  const settle = (text: string): string => {
    const whole = heldBack + text
    heldBack = whole.endsWith('\r') ? '\r' : ''
    return (heldBack ? whole.slice(0, -1) : whole).replaceAll(/\r\n?/g, '\n')
  }
  for await (const chunk of bytes) {
    const text = settle(decode(decoder, chunk, () => line))
    line += countLines(text)
    if (text !== '') yield text
  }
  const rest = settle(decode(decoder, null, () => line)) + (heldBack ? '\n' : '')
  if (rest !== '') yield rest
}

export const countLines = (text: string): number => {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1
  return count
}

function decode(
  decoder: InstanceType<typeof TextDecoder>,
  chunk: Uint8Array | null,
  lineBefore: () => number,
): string {
  try {
    return chunk ? decoder.decode(chunk, { stream: true }) : decoder.decode()
  } catch {
    const readable = new TextDecoder().decode(chunk ?? new Uint8Array())
    const line = lineBefore() + countLines(readable.slice(0, Math.max(0, readable.indexOf('\uFFFD'))))
    throw new InvalidInput('The file is not UTF-8 text: save it as "CSV UTF-8" and send it again', [
      { path: `line ${line}`, code: 'not_utf8', message: `Line ${line} has bytes that are not UTF-8` },
    ])
  }
}
