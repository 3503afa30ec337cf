import { z } from 'zod'
import { instantSchema } from '#src/http/codecs.ts'
import { decodeCursor, pageOf, pageQuery, toPage } from '#src/http/paging.ts'
import { type Route, route } from '#src/http/route.ts'
import type { Role } from '#src/kernel/actor.ts'
import { InvalidInput } from '#src/kernel/errors.ts'
import { textSchema } from '#src/kernel/text.ts'
import { conflictReaders, differenceSchema, versionNumber } from './conflict-wire.ts'
import { ruleSetSchema } from './rule-set.ts'
import type { RuleSetUseCases } from './rule-set-use-cases.ts'

const tag = 'Conflict rules'
const path = '/api/v1/conflict-rules'
const editors = ['administrator', 'channel_manager'] satisfies Role[]
const publishers = ['administrator'] satisfies Role[]
const note = textSchema(1_000)

const issueSchema = z.object({
  path: z.string(),
  severity: z.enum(['error', 'warning']),
  code: z.string(),
  message: z.string(),
})
const summary = {
  id: z.string(),
  version: z.int(),
  state: z.enum(['published', 'superseded']),
  basedOn: z
    .int()
    .nullable()
    .describe('The version it was made from; for a rollback, the one it brought back'),
  note: z.string().nullable(),
  publishedBy: z.string(),
  publishedAt: instantSchema,
}
const summarySchema = z.object(summary).meta({ id: 'ConflictRulesVersionSummary' })
const versionSchema = z.object({ ...summary, document: ruleSetSchema }).meta({ id: 'ConflictRulesVersion' })
const draftSchema = z
  .object({
    id: z.string(),
    document: ruleSetSchema,
    basedOn: z.int().nullable(),
    createdBy: z.string(),
    createdAt: instantSchema,
    revision: z.int(),
    issues: z.array(issueSchema).readonly(),
  })
  .meta({ id: 'ConflictRulesDraft' })

function versionAt(cursor: string): number {
  const version = versionNumber.safeParse(decodeCursor(cursor, 1)[0])
  if (version.success) return version.data
  throw new InvalidInput('The cursor belongs to another list', [
    { path: '/query/cursor', code: 'invalid_cursor', message: 'Use the nextCursor of the page before' },
  ])
}

/** The rules of conflicts are edited as mappings are: a draft, its check, its publication, and the way back. */
export const ruleSetRoutes = (rules: RuleSetUseCases): readonly Route[] => [
  route({
    method: 'GET',
    path,
    summary: 'Show the conflict rules in force, and the draft',
    tag,
    access: conflictReaders,
    answers: { 200: z.object({ published: versionSchema, draft: draftSchema.nullable() }) },
    handle: async ({ tx }) => ({ status: 200, body: await rules.showRules(tx) }),
  }),
  route({
    method: 'GET',
    path: `${path}/versions`,
    summary: 'List the published versions of the conflict rules, newest first',
    tag,
    access: conflictReaders,
    query: pageQuery,
    answers: { 200: pageOf(summarySchema) },
    handle: async ({ tx, query: { limit, cursor } }) => {
      const before = cursor === undefined ? null : versionAt(cursor)
      const found = await rules.listRuleVersions(tx, { before, limit })
      const { items, nextCursor } = toPage(found, limit, ({ version }) => [String(version)])
      return { status: 200, body: { items: items.map(({ document: _, ...rest }) => rest), nextCursor } }
    },
  }),
  route({
    method: 'GET',
    path: `${path}/versions/:version`,
    summary: 'Show one version of the conflict rules',
    tag,
    access: conflictReaders,
    params: z.strictObject({ version: versionNumber }),
    answers: { 200: versionSchema },
    handle: async ({ tx, params }) => ({ status: 200, body: await rules.getRuleVersion(tx, params.version) }),
  }),
  route({
    method: 'GET',
    path: `${path}/diff`,
    summary: 'Compare two versions of the conflict rules, or a version with the draft',
    tag,
    access: conflictReaders,
    query: z.strictObject({ from: versionNumber, to: z.union([z.literal('draft'), versionNumber]) }),
    answers: { 200: z.object({ changes: z.array(differenceSchema).readonly() }) },
    handle: async ({ tx, query }) => ({
      status: 200,
      body: { changes: await rules.diffRules(tx, query) },
    }),
  }),
  route({
    method: 'PUT',
    path: `${path}/draft`,
    summary: 'Save the draft of the conflict rules',
    description: 'A draft with errors may be saved; the errors come with it. It cannot be published.',
    tag,
    access: editors,
    body: z.strictObject({
      document: ruleSetSchema,
      basedOn: z.int().min(1).nullish().describe('The published version that the draft was made from'),
    }),
    answers: { 200: draftSchema },
    handle: async ({ tx, actor, body, ifMatch }) => {
      const draft = await rules.saveRuleDraft(tx, actor, body, ifMatch)
      return { status: 200, body: draft, etag: draft.revision }
    },
  }),
  route({
    method: 'DELETE',
    path: `${path}/draft`,
    summary: 'Discard the draft of the conflict rules',
    tag,
    access: editors,
    answers: { 204: z.null() },
    handle: async ({ tx, actor, ifMatch }) => {
      await rules.discardRuleDraft(tx, actor, ifMatch)
      return { status: 204, body: null }
    },
  }),
  route({
    method: 'POST',
    path: `${path}/draft/check`,
    summary: 'Say what stands against publishing the draft of the conflict rules',
    tag,
    access: editors,
    answers: { 200: z.object({ issues: z.array(issueSchema).readonly(), publishable: z.boolean() }) },
    handle: async ({ tx }) => ({ status: 200, body: await rules.checkRuleDraft(tx) }),
  }),
  route({
    method: 'POST',
    path: `${path}/draft/publish`,
    summary: 'Put the draft of the conflict rules in force',
    description: 'It counts for checks from now on. Checks made before keep the version they went by.',
    tag,
    access: publishers,
    body: z.strictObject({ note }),
    answers: { 200: versionSchema },
    handle: async ({ tx, actor, body, ifMatch }) => ({
      status: 200,
      body: await rules.publishRuleDraft(tx, actor, body, ifMatch),
    }),
  }),
  route({
    method: 'POST',
    path: `${path}/rollback`,
    summary: 'Put an old version of the conflict rules in force anew',
    tag,
    access: publishers,
    body: z.strictObject({ version: z.int().min(1), note }),
    answers: { 200: versionSchema },
    handle: async ({ tx, actor, body }) => ({
      status: 200,
      body: await rules.rollBackRules(tx, actor, body),
    }),
  }),
]
