import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { pageOf, pageQuery } from '#src/http/paging.ts'
import { route } from '#src/http/route.ts'
import { positionOf, sortedPage } from '#src/http/sorted-page.ts'
import { lineSchema } from '#src/kernel/text.ts'
import { auditSorts } from './audit-entry.ts'
import type { AuditUseCases } from './audit-use-cases.ts'

const text = lineSchema(200)
const auditEntrySchema = z
  .object({
    id: z.uuid(),
    recordedAt: instantSchema,
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    action: z.string(),
    subject: z.object({ kind: z.string(), id: z.string() }),
    partnerId: z.uuid().nullable(),
    before: z.unknown().meta({ description: 'The record before, as JSON; null when it is new' }),
    after: z.unknown().meta({ description: 'The record after, as JSON; null when it is gone' }),
    reason: z.string().nullable(),
  })
  .meta({ id: 'AuditEntry' })

export const auditRoutes = (audit: AuditUseCases) => [
  route({
    method: 'GET',
    path: '/api/v1/audit-entries',
    summary: 'List who changed what, when and why',
    tag: 'Audit',
    access: ['administrator', 'auditor'],
    query: z.strictObject({
      ...pageQuery.shape,
      sort: z.enum(auditSorts).default('-recordedAt'),
      subjectKind: text.optional(),
      subjectId: text.optional(),
      actorKind: z.enum(['vendor', 'partner', 'connection', 'system']).optional(),
      actorId: text.optional(),
      action: text.optional(),
      partnerId: z.uuid().optional(),
      from: instantSchema.optional(),
      to: instantSchema.optional().describe('Entries recorded before this time'),
    }),
    answers: { 200: pageOf(auditEntrySchema) },
    handle: async ({ tx, query }) => {
      const rows = await audit.listEntries(tx, query, positionOf(query))
      return { status: 200, body: sortedPage(rows, query) }
    },
  }),
]
