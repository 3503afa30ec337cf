/** The multipart form of `$batch` (OData 4.0, 11.7 Batch Requests; "Execute batch operations using the Web API"). */

/** One operation of a batch. */
export interface Operation {
  /** Unique in the batch; Dataverse repeats it in the answer. */
  readonly contentId: string
  readonly method: 'GET' | 'POST' | 'PATCH'
  /** From the organisation's own root, with every character escaped. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
}

/** Operations that take effect together or not at all; a single one needs no change set. */
export type Unit = readonly [Operation, ...Operation[]]

export interface OperationReply {
  /** Null where Dataverse did not repeat it, as outside of change sets. */
  readonly contentId: string | null
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface BatchReply {
  /** One entry a unit that was answered: several replies where a change set succeeded, one where it failed. */
  readonly parts: readonly (readonly OperationReply[])[]
  /** The answer ended with its closing line: nothing of it was lost on the way. */
  readonly isWhole: boolean
}

const crlf = '\r\n'

/** The body of a batch. Lines end in CR LF; Dataverse calls any other ending an unreadable stream. */
export function writeBatch(boundary: string, units: readonly Unit[]): string {
  const parts = units.map((unit, index) => {
    if (unit.length === 1) return writeOperation(unit[0])
    // None may begin like another: readers look for the beginnings of lines.
    const inner = `changeset_${index}_${boundary}`
    return [
      `Content-Type: multipart/mixed; boundary=${inner}`,
      '',
      ...unit.map((operation) => `--${inner}${crlf}${writeOperation(operation)}`),
      `--${inner}--`,
    ].join(crlf)
  })
  return [...parts.map((part) => `--${boundary}${crlf}${part}`), `--${boundary}--`, ''].join(crlf)
}

function writeOperation({ contentId, method, path, headers, body }: Operation): string {
  return [
    'Content-Type: application/http',
    'Content-Transfer-Encoding: binary',
    `Content-ID: ${contentId}`,
    '',
    `${method} ${path} HTTP/1.1`,
    ...(body === undefined ? [] : ['Content-Type: application/json; type=entry']),
    'Accept: application/json',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body === undefined ? '' : JSON.stringify(body),
  ].join(crlf)
}

/** The boundary that a `Content-Type` header names; null where it is no multipart. */
export function boundaryOf(contentType: string | null | undefined): string | null {
  const match = /^multipart\/mixed\s*;.*?\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType ?? '')
  return match?.[1] ?? match?.[2] ?? null
}

/** Reads the answer to a batch. A part that breaks off counts as not answered; a part that is no HTTP is an error. */
export function readBatchReply(contentType: string | null, text: string): BatchReply {
  const boundary = boundaryOf(contentType)
  if (boundary === null) throw new Error('The answer to a batch is not multipart/mixed')
  const { parts, isWhole } = splitParts(boundary, text)
  const replies = parts.map(readPart)
  return {
    parts: replies.flatMap((reply) => (reply ? [reply] : [])),
    isWhole: isWhole && !replies.includes(null),
  }
}

/** Null: a change set that broke off. */
function readPart(part: string): readonly OperationReply[] | null {
  const { headers, body } = splitHead(part)
  const inner = boundaryOf(headers['content-type'])
  if (inner === null) return [readOperationReply(headers, body)]
  const { parts, isWhole } = splitParts(inner, body)
  if (!isWhole) return null
  return parts.map((each) => {
    const operation = splitHead(each)
    return readOperationReply(operation.headers, operation.body)
  })
}

function readOperationReply(outer: Readonly<Record<string, string>>, text: string): OperationReply {
  const [statusLine = '', ...rest] = text.split(/\r?\n/)
  const status = /^HTTP\/1\.\d (\d{3})\b/.exec(statusLine)?.[1]
  if (status === undefined) throw new Error('A part of the answer to a batch is no HTTP response')
  const { headers, body } = splitHead(rest.join('\n'))
  const contentId = outer['content-id'] ?? headers['content-id'] ?? null
  return { contentId, status: Number(status), headers, body: body.trim() }
}

/** The texts between the delimiter lines; what follows the last delimiter is left out unless that one closes. */
function splitParts(boundary: string, text: string): { parts: readonly string[]; isWhole: boolean } {
  const escaped = boundary.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const delimiter = new RegExp(`(?:^|\\r?\\n)--${escaped}(--)?[ \\t]*(?=\\r?\\n|$)`, 'g')
  const parts: string[] = []
  let begin: number | null = null
  for (const match of text.matchAll(delimiter)) {
    if (begin !== null) parts.push(text.slice(begin, match.index))
    begin = match.index + match[0].length
    if (match[1] !== undefined) return { parts, isWhole: true }
  }
  return { parts, isWhole: false }
}

function splitHead(text: string): { headers: Record<string, string>; body: string } {
  const lines = text.replace(/^\r?\n/, '').split(/\r?\n/)
  const blank = lines.indexOf('')
  const head = blank < 0 ? lines : lines.slice(0, blank)
  const headers = head.flatMap((line) => {
    const colon = line.indexOf(':')
    return colon > 0
      ? [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const]
      : []
  })
  return { headers: Object.fromEntries(headers), body: blank < 0 ? '' : lines.slice(blank + 1).join('\r\n') }
}
