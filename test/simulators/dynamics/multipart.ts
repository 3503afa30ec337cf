/**
 * The frame of a `$batch`: cutting a request into its parts and writing the answer. Strict where Dataverse is: CRLF line
 * ends, the two headers of every part, a Content-ID within change sets.
 */
import { errors } from './errors.ts'

export interface PartRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly contentId: string | null
}

/** A single request, or the requests of a change set. */
export type BatchItem =
  | { readonly kind: 'request'; readonly request: PartRequest }
  | { readonly kind: 'change-set'; readonly requests: readonly PartRequest[] }

export function readBoundary(contentType: string | undefined): string {
  const [, quoted, bare] =
    /^multipart\/mixed\s*;.*?boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? '') ?? []
  const boundary = quoted ?? bare
  if (boundary === undefined) {
    throw errors.badRequest(
      `Invalid Content-Type header value '${contentType ?? ''}': a boundary is missing.`,
    )
  }
  return boundary
}

const malformed = () =>
  errors.unreadable('Line ends must be CRLF, and every boundary must be on a line of its own.')

/** What stands between the delimiters; throws where the last of them is missing. */
function cut(text: string, boundary: string): readonly string[] {
  const delimiter = `--${boundary}`
  if (!text.startsWith(delimiter)) throw malformed()
  const pieces = `\r\n${text}`.split(`\r\n${delimiter}`).slice(1)
  const last = pieces.pop()
  if (last === undefined || !last.startsWith('--') || pieces.length === 0) throw malformed()
  return pieces.map((piece) => {
    const trimmed = piece.replace(/^[ \t]+/, '')
    if (!trimmed.startsWith('\r\n')) throw malformed()
    return trimmed.slice(2)
  })
}

function readHead(text: string): { readonly lines: readonly string[]; readonly rest: string } {
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n')
  const head = end < 0 ? text.replace(/\r\n$/, '') : text.slice(0, end)
  if (/[^\r]\n/.test(head)) throw malformed()
  const rest = end < 0 ? '' : text.slice(end === 0 ? 2 : end + 4)
  return { lines: head === '' ? [] : head.split('\r\n'), rest }
}

function readHeaders(lines: readonly string[]): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const place = line.indexOf(':')
    if (place < 1) throw errors.badRequest(`Invalid header '${line}' in a part of the batch.`)
    headers[line.slice(0, place).trim().toLowerCase()] = line.slice(place + 1).trim()
  }
  return headers
}

function readRequest(headers: Readonly<Record<string, string>>, text: string): PartRequest {
  if (!/^application\/http\b/i.test(headers['content-type'] ?? '')) {
    throw errors.badRequest("Each part of a batch needs the header 'Content-Type: application/http'.")
  }
  if (headers['content-transfer-encoding']?.toLowerCase() !== 'binary') {
    throw errors.badRequest("Each part of a batch needs the header 'Content-Transfer-Encoding: binary'.")
  }
  const { lines, rest } = readHead(text)
  const [first = '', ...others] = lines
  const [, method, url] = /^(GET|POST|PATCH|PUT|DELETE) (\S.*) HTTP\/1\.1$/.exec(first) ?? []
  if (method === undefined || url === undefined) {
    throw errors.badRequest(`The request line '${first}' is invalid in a part of the batch.`)
  }
  const partHeaders = readHeaders(others)
  return {
    method,
    url,
    headers: partHeaders,
    body: rest.trim(),
    contentId: headers['content-id'] ?? partHeaders['content-id'] ?? null,
  }
}

function readPart(text: string): {
  readonly headers: Readonly<Record<string, string>>
  readonly content: string
} {
  const { lines, rest } = readHead(text)
  return { headers: readHeaders(lines), content: rest }
}

function readChangeSet(contentType: string, content: string): BatchItem {
  const requests = cut(content.replace(/^(\r\n)+/, ''), readBoundary(contentType)).map((piece) => {
    const part = readPart(piece)
    const request = readRequest(part.headers, part.content)
    if (request.contentId === null) {
      throw errors.badRequest('The Content-ID header is not present in an operation of a change set.')
    }
    return request
  })
  return { kind: 'change-set', requests }
}

export function readBatch(contentType: string | undefined, text: string): readonly BatchItem[] {
  return cut(text.replace(/^(\r\n)+/, ''), readBoundary(contentType)).map((piece) => {
    const { headers, content } = readPart(piece)
    const type = headers['content-type'] ?? ''
    return /^multipart\/mixed\b/i.test(type)
      ? readChangeSet(type, content)
      : { kind: 'request', request: readRequest(headers, content) }
  })
}

export interface PartAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly contentId: string | null
}

export type AnswerItem =
  | { readonly kind: 'answer'; readonly answer: PartAnswer }
  | { readonly kind: 'change-set'; readonly boundary: string; readonly answers: readonly PartAnswer[] }

const reasons: Readonly<Record<number, string>> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  304: 'Not Modified',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  412: 'Precondition Failed',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
}

const headerNames: Readonly<Record<string, string>> = {
  'content-type': 'Content-Type',
  etag: 'ETag',
  location: 'Location',
  'odata-entityid': 'OData-EntityId',
  'odata-version': 'OData-Version',
  'preference-applied': 'Preference-Applied',
  'retry-after': 'Retry-After',
}

function writeAnswer(answer: PartAnswer): string {
  const id = answer.contentId === null ? '' : `Content-ID: ${answer.contentId}\r\n`
  const headers = Object.entries(answer.headers).map(
    ([name, value]) => `${headerNames[name] ?? name}: ${value}\r\n`,
  )
  const status = `HTTP/1.1 ${answer.status} ${reasons[answer.status] ?? 'Unknown'}\r\n`
  return `Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n${id}\r\n${status}${headers.join('')}\r\n${answer.body}\r\n`
}

export function writeBatch(boundary: string, items: readonly AnswerItem[]): string {
  const parts = items.map((item) => {
    if (item.kind === 'answer') return `--${boundary}\r\n${writeAnswer(item.answer)}`
    const inner = item.answers.map((answer) => `--${item.boundary}\r\n${writeAnswer(answer)}`).join('')
    return `--${boundary}\r\nContent-Type: multipart/mixed; boundary=${item.boundary}\r\n\r\n${inner}--${item.boundary}--\r\n`
  })
  return `${parts.join('')}--${boundary}--\r\n`
}
