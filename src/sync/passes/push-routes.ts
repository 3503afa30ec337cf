import { z } from 'zod'
import { problem, problemType } from '#src/http/problem.ts'
import { type Route, rawRoute } from '#src/http/route.ts'
import { idSchema } from '#src/kernel/ids.ts'
import type { PushUseCases } from './push-use-cases.ts'

const limitBytes = 1_048_576
const connectionId = idSchema<'connection'>()

export const pushRoutes = (push: Pick<PushUseCases, 'receive'>): readonly Route[] => [
  rawRoute({
    method: 'POST',
    path: '/hooks/:connectionId',
    summary: 'Take what a CRM tells of by itself',
    description:
      'The address that a CRM sends its webhooks to. Who sends proves itself by a signature over the body, as the ' +
      'CRM makes it; the answer is what the CRM expects.',
    tag: 'Webhooks of CRMs',
    access: 'anyone',
    params: z.object({ connectionId: z.string() }),
    answers: { 200: z.string().describe('As the CRM expects it') },
    takes: { limitBytes, description: 'As the CRM sends it' },
    async handle({ params, method, search, headers, body }) {
      const id = connectionId.safeParse(params['connectionId'])
      const answer = await push.receive({
        connectionId: id.success ? id.data : null,
        method,
        search,
        headers,
        body,
      })
      if (answer.kind === 'accepted') return answer
      return {
        status: answer.status,
        contentType: problemType,
        body: JSON.stringify(problem(answer.status, 'not_accepted', 'This was not accepted')),
      }
    },
  }),
]
