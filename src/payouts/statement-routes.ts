import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { route } from '#src/http/route.ts'
import type { Role } from '#src/kernel/actor.ts'
import { daySchema } from '#src/kernel/calendar.ts'
import { idSchema } from '#src/kernel/ids.ts'
import { currencySchema, minorUnitsSchema } from '#src/kernel/money.ts'
import { entryKinds } from '#src/ledger/ledger.ts'
import type { Statement } from './statement.ts'
import { statementCsv } from './statement-csv.ts'
import type { StatementUseCases } from './statement-use-cases.ts'

const readers: readonly Role[] = [
  'administrator',
  'finance',
  'auditor',
  'channel_manager',
  'partner_administrator',
  'partner_finance',
]

const amountsSchema = z.object({ pendingMinor: minorUnitsSchema, payableMinor: minorUnitsSchema })

const statementSchema = z
  .object({
    partnerId: idSchema<'partner'>(),
    period: z.string(),
    final: z.boolean().describe('The period is over: this statement never changes any more'),
    accounts: z.array(
      z.object({
        currency: currencySchema,
        opening: amountsSchema,
        lines: z.array(
          z.object({
            entryId: idSchema<'ledger_entry'>(),
            kind: z.enum(entryKinds),
            postedAt: instantSchema,
            effectiveOn: daySchema,
            dealId: idSchema<'deal'>().nullable(),
            planLine: z.object({ id: z.string(), name: z.string() }).nullable(),
            ...amountsSchema.shape,
            adjusts: idSchema<'ledger_entry'>().nullable(),
            reverses: idSchema<'ledger_entry'>().nullable(),
            explanation: z.array(z.string()),
          }),
        ),
        closing: amountsSchema,
      }),
    ),
  })
  .meta({ id: 'Statement' })

const query = z.strictObject({
  partnerId: idSchema<'partner'>().optional(),
  period: z.string().regex(/^\d{4}-(0[1-9]|1[0-2])$/, 'a month such as 2026-03'),
})

const answer = (statement: Statement) => ({
  ...statement,
  accounts: statement.accounts.map((account) => ({
    ...account,
    lines: account.lines.map((line) => ({ ...line, explanation: [...line.explanation] })),
  })),
})

export const statementRoutes = (statements: StatementUseCases) => [
  route({
    method: 'GET',
    path: '/api/v1/statements',
    summary: 'A partner’s statement of a month',
    description: 'Partners get their own; the vendor names the partner.',
    tag: 'Statements',
    access: readers,
    query,
    answers: { 200: statementSchema },
    handle: async (context) => {
      const statement = await statements.getStatement(context.tx, context.actor, context.query)
      return { status: 200, body: answer(statement) }
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/statements/csv',
    summary: 'A partner’s statement of a month as CSV',
    tag: 'Statements',
    access: readers,
    query,
    answers: { 200: z.string() },
    contentType: 'text/csv; charset=utf-8',
    handle: async (context) => {
      const statement = await statements.getStatement(context.tx, context.actor, context.query)
      const file = `statement-${statement.period}-${statement.partnerId}.csv`
      return {
        status: 200,
        body: statementCsv(statement),
        headers: { 'content-disposition': `attachment; filename="${file}"` },
      }
    },
  }),
]
