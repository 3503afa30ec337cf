import type { Receipt, Sender } from './webhook.ts'

const sendMs = 20_000

/** `Retry-After` as seconds or as a date (RFC 9110, section 10.2.3); 0 when it says nothing. */
function retryAfterMs(answer: Response, now: Date): number {
  const stated = answer.headers.get('retry-after')?.trim() ?? ''
  if (/^\d{1,6}$/.test(stated)) return Number(stated) * 1_000
  const until = Date.parse(stated)
  return Number.isNaN(until) ? 0 : Math.max(0, until - now.getTime())
}

/** Any status from 200 to 299 within 20 seconds means delivered; a redirect does not. The answer's body is not read. */
export function createHttpSender(sendWithinMs = sendMs): Sender {
  return {
    async send(url, headers, payload): Promise<Receipt> {
      try {
        const answer = await fetch(url, {
          method: 'POST',
          headers,
          body: payload,
          redirect: 'manual',
          signal: AbortSignal.timeout(sendWithinMs),
        })
        await answer.body?.cancel()
        const { status } = answer
        if (answer.ok) return { kind: 'delivered', status }
        const error = `The receiver answered ${status}`
        const wait = retryAfterMs(answer, new Date())
        return { kind: 'failed', status, error, gone: status === 410, retryAfterMs: wait }
      } catch (error) {
        return { kind: 'failed', status: null, error: wordsOf(error), gone: false, retryAfterMs: 0 }
      }
    },
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return 'The receiver did not answer in time'
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
