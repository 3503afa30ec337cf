import { createPushUseCases } from '#src/sync/passes/push-use-cases.ts'
import type { Random } from '../random.ts'
import type { ToySync } from '../toy-sync.ts'
import type { HistoryCrm } from './crms.ts'
import type { PostOffice } from './post-office.ts'

/** What the CRM sends, on its way to us: some of it is lost, some comes twice, in any order, and some much later. */
export function createWebhookMail(crm: HistoryCrm, sync: ToySync, post: PostOffice, random: Random) {
  const push = createPushUseCases({
    engine: sync.engine,
    findConnection: async () => sync.connection,
    webhookUrl: () => post.url,
    bell: { ring: () => undefined },
    clock: { now: () => new Date() },
  })
  const { connection } = sync
  crm.webhooks?.sendTo(post.url)
  return {
    async deliver({ isLast = false } = {}): Promise<void> {
      await crm.webhooks?.deliver()
      for (const letter of random.shuffled(post.letters.splice(0))) {
        const isLate = !isLast && random.chance(0.3)
        if (isLate) post.letters.push(letter)
        else if (random.chance(0.7)) {
          for (let times = random.chance(0.2) ? 2 : 1; times > 0; times -= 1) {
            const answer = await push.receive({ connectionId: connection.id, ...letter })
            if (answer.kind !== 'accepted') throw new Error('A webhook of the CRM was not believed')
          }
        }
      }
    },
  }
}
