import { recordAudit } from '#src/database/audit.ts'
import type { Tx } from '#src/database/database.ts'
import type { Actor } from '#src/kernel/actor.ts'
import { NotFound, Refused, Stale } from '#src/kernel/errors.ts'
import { type Difference, differencesOf } from './differences.ts'
import { checkRuleSet, isPublishable, type RuleIssue, type RuleSet } from './rule-set.ts'
import {
  deleteDraft,
  findDraft,
  findPublished,
  findVersion,
  insertPublished,
  listVersions,
  lockRuleSets,
  type RuleSetDraft,
  type RuleSetVersion,
  writeDraft,
} from './rule-set-store.ts'

export type CheckedDraft = RuleSetDraft & { readonly issues: readonly RuleIssue[] }

const checked = (draft: RuleSetDraft): CheckedDraft => ({ ...draft, issues: checkRuleSet(draft.document) })

/** @throws Refused `no_draft` */
export async function draftOrThrow(tx: Tx): Promise<RuleSetDraft> {
  const draft = await findDraft(tx)
  if (!draft) throw new Refused('no_draft', 'There is no draft of the conflict rules')
  return draft
}

/** @throws NotFound */
export async function versionOrThrow(tx: Tx, version: number): Promise<RuleSetVersion> {
  const found = await findVersion(tx, version)
  if (!found) throw new NotFound(`Version ${version} of the conflict rules`)
  return found
}

function assertRevision(draft: RuleSetDraft | null, expected: number | null): void {
  if (expected !== null && draft?.revision !== expected) throw new Stale()
}

function assertPublishable(rules: RuleSet): void {
  const issues = checkRuleSet(rules)
  if (isPublishable(issues)) return
  throw new Refused(
    'rules_not_publishable',
    'The conflict rules have errors; see the issues',
    issues.filter(({ severity }) => severity === 'error'),
  )
}

function assertUpToDate({ basedOn }: RuleSetDraft, published: RuleSetVersion): void {
  if (basedOn === null || published.version === basedOn) return
  throw new Refused(
    'draft_outdated',
    `The draft was made from version ${basedOn}, but ${published.version} is published by now. Look at the difference, then save the draft with basedOn ${published.version}.`,
  )
}

const subject = { kind: 'conflict_rules', id: 'conflict_rules' }

/** The conflict rules: a draft, versions, and putting one in force. Checks made before keep the version they went by. */
export function createRuleSetUseCases() {
  async function publish(
    tx: Tx,
    actor: Actor,
    action: 'conflict_rules.published' | 'conflict_rules.rolled_back',
    before: RuleSetVersion,
    next: { readonly document: RuleSet; readonly basedOn: number | null; readonly note: string },
  ): Promise<RuleSetVersion> {
    assertPublishable(next.document)
    const version = await insertPublished(tx, { ...next, by: actor.name })
    await recordAudit(tx, actor, [
      {
        action,
        subject,
        before: { version: before.version },
        after: {
          version: version.version,
          basedOn: next.basedOn,
          changes: differencesOf(before.document, next.document),
        },
        reason: next.note,
      },
    ])
    return version
  }

  return {
    /** What is in force, and the draft with what stands against it. */
    async showRules(tx: Tx): Promise<{
      readonly published: RuleSetVersion
      readonly draft: CheckedDraft | null
    }> {
      const draft = await findDraft(tx)
      return { published: await findPublished(tx), draft: draft ? checked(draft) : null }
    },

    getRuleVersion: versionOrThrow,
    listRuleVersions: listVersions,

    async diffRules(
      tx: Tx,
      { from, to }: { readonly from: number; readonly to: number | 'draft' },
    ): Promise<readonly Difference[]> {
      const before = await versionOrThrow(tx, from)
      const after = to === 'draft' ? await draftOrThrow(tx) : await versionOrThrow(tx, to)
      return differencesOf(before.document, after.document)
    },

    /**
     * Keeps a draft, errors and all; they come back with it.
     * @param input.basedOn the version that the draft was made from; as before, or the present one, if absent
     */
    async saveRuleDraft(
      tx: Tx,
      actor: Actor,
      input: { readonly document: RuleSet; readonly basedOn?: number | null | undefined },
      expectedRevision: number | null,
    ): Promise<CheckedDraft> {
      await lockRuleSets(tx)
      const draft = await findDraft(tx)
      assertRevision(draft, expectedRevision)
      const published = await findPublished(tx)
      const basedOn = input.basedOn ?? (draft ? draft.basedOn : published.version)
      await writeDraft(tx, { document: input.document, basedOn, by: actor.name })
      const saved = await draftOrThrow(tx)
      await recordAudit(tx, actor, [
        {
          action: 'conflict_rules.draft_saved',
          subject,
          after: {
            revision: saved.revision,
            changes: differencesOf((draft ?? published).document, input.document),
          },
        },
      ])
      return checked(saved)
    },

    async discardRuleDraft(tx: Tx, actor: Actor, expectedRevision: number | null): Promise<void> {
      await lockRuleSets(tx)
      const draft = await draftOrThrow(tx)
      assertRevision(draft, expectedRevision)
      await deleteDraft(tx, draft.id)
      await recordAudit(tx, actor, [
        { action: 'conflict_rules.draft_discarded', subject, before: { document: draft.document } },
      ])
    },

    async checkRuleDraft(
      tx: Tx,
    ): Promise<{ readonly issues: readonly RuleIssue[]; readonly publishable: boolean }> {
      const { document } = await draftOrThrow(tx)
      const issues = checkRuleSet(document)
      return { issues, publishable: isPublishable(issues) }
    },

    /** Puts the draft in force. @throws Refused `rules_not_publishable` with the issues, `draft_outdated` · Stale */
    async publishRuleDraft(
      tx: Tx,
      actor: Actor,
      { note }: { readonly note: string },
      expectedRevision: number | null,
    ): Promise<RuleSetVersion> {
      await lockRuleSets(tx)
      const draft = await draftOrThrow(tx)
      assertRevision(draft, expectedRevision)
      const published = await findPublished(tx)
      assertUpToDate(draft, published)
      await deleteDraft(tx, draft.id)
      const { document, basedOn } = draft
      return publish(tx, actor, 'conflict_rules.published', published, { document, basedOn, note })
    },

    /** Puts an old document in force anew, as the next version. */
    async rollBackRules(
      tx: Tx,
      actor: Actor,
      { version, note }: { readonly version: number; readonly note: string },
    ): Promise<RuleSetVersion> {
      await lockRuleSets(tx)
      const { state, document } = await versionOrThrow(tx, version)
      if (state === 'published') {
        throw new Refused('already_published', `Version ${version} is the one that is published`)
      }
      const next = { document, basedOn: version, note }
      return publish(tx, actor, 'conflict_rules.rolled_back', await findPublished(tx), next)
    },
  }
}
export type RuleSetUseCases = ReturnType<typeof createRuleSetUseCases>
