import type { Tx } from '#src/database/database.ts'
import type { IncentiveUseCases } from '#src/incentives/incentive-use-cases.ts'
import type { Actor } from '#src/kernel/actor.ts'
import type { Clock } from '#src/kernel/clock.ts'
import { InvalidInput, NotFound } from '#src/kernel/errors.ts'
import type { PartnerId } from '#src/kernel/ids.ts'
import { openPeriod } from '#src/ledger/ledger.ts'
import { findOpening, findPeriodEntries } from '#src/ledger/ledger-use-cases.ts'
import { buildAccounts, type Statement } from './statement.ts'

export interface StatementDeps {
  readonly clock: Clock
  readonly incentives: Pick<IncentiveUseCases, 'findPlans'>
}

export function createStatementUseCases(deps: StatementDeps) {
  return {
    /**
     * The statement of a partner for a month. A partner gets its own and need not say which; the vendor must.
     * @throws NotFound when a partner asks for another one's
     */
    async getStatement(
      tx: Tx,
      actor: Actor,
      input: { readonly partnerId?: PartnerId | undefined; readonly period: string },
    ): Promise<Statement> {
      const { period } = input
      const partnerId = whose(actor, input.partnerId)
      const opening = await findOpening(tx, partnerId, period)
      const entries = await findPeriodEntries(tx, partnerId, period)
      const plans = await deps.incentives.findPlans(
        tx,
        entries.flatMap(({ planVersionId }) => planVersionId ?? []),
      )
      return {
        partnerId,
        period,
        final: period < openPeriod(deps.clock.now()),
        accounts: buildAccounts(opening, entries, plans),
      }
    },
  }
}

function whose(actor: Actor, asked: PartnerId | undefined): PartnerId {
  if (actor.kind === 'partner') {
    if (asked !== undefined && asked !== actor.partnerId) throw new NotFound('The statement')
    return actor.partnerId
  }
  if (asked !== undefined) return asked
  throw new InvalidInput('Say whose statement', [
    { path: '/query/partnerId', code: 'required', message: 'The id of the partner' },
  ])
}

export type StatementUseCases = ReturnType<typeof createStatementUseCases>
