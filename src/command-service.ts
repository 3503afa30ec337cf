import { z } from 'zod'

const problemSchema = z.object({
  detail: z.string().optional(),
  title: z.string(),
  issues: z.array(z.object({ message: z.string() })).optional(),
})

/** How a command speaks with a running service. */
export interface Service {
  /** `path` below /api/v1. @throws Error in plain lines, with a cause where asking again later may help */
  call(path: string, options?: RequestInit): Promise<Response>
}

export function createService(url: string, token: string): Service {
  const base = url.replace(/\/+$/, '')
  return {
    async call(path, options = {}) {
      const headers = { authorization: `Bearer ${token}`, ...options.headers }
      const answer = await fetch(`${base}/api/v1/${path}`, { ...options, headers }).catch(
        (error: unknown) => {
          throw new Error(`No service answers at ${base}. Is it running, and is --url right?`, {
            cause: error,
          })
        },
      )
      if (answer.ok) return answer
      throw await refusalOf(answer)
    },
  }
}

/** Everything that the service had to say about it, in plain lines. */
async function refusalOf(answer: Response): Promise<Error> {
  const text = await answer.text()
  const problem = problemSchema.safeParse(parseJson(text)).data
  const lines = problem
    ? [problem.detail ?? problem.title, ...(problem.issues ?? []).map(({ message }) => `  ${message}`)]
    : [`The service answered ${answer.status}: ${text.slice(0, 500)}`]
  return new Error(lines.join('\n'), answer.status >= 500 ? { cause: answer.status } : {})
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
