/** What happens behind the requests: drains that the bell runs, and the timetable. No logic here: each calls one function. */
import type { Config } from '#config/env.ts'
import type { Logger } from '#config/logger.ts'
import type { Bell } from '#jobs/bell.ts'
import type { Job } from '#jobs/registry.ts'
import type { ScheduleEntry } from '#jobs/schedule.ts'
import type { Capabilities } from './capabilities.ts'
import { auditJournal } from './database/audit-journal.ts'
import type { Database, Tx } from './database/database.ts'
import { sealJournal } from './database/sealer.ts'
import { forgetOldAnswers } from './http/idempotency.ts'
import { importsBell } from './imports/intake-use-cases.ts'
import { systemActor } from './kernel/actor.ts'
import { dayIn } from './kernel/calendar.ts'
import type { Clock } from './kernel/clock.ts'
import { ledgerJournal } from './ledger/journal-store.ts'
import { createLogMailer } from './notifications/log-mailer.ts'
import { sendPendingMail } from './notifications/mail-delivery-use-cases.ts'
import { createSmtpMailer } from './notifications/smtp-mailer.ts'
import { pruneSyncHistory } from './sync/ground/history.ts'
import { pruneDeliveries } from './sync/memory/hint-store.ts'
import { hintsBell, pollBell, reconcileBell } from './sync/passes/drains.ts'
import { driftBell } from './sync/upkeep/drift-use-cases.ts'
import { taskBell } from './sync/upkeep/task-work.ts'
import { deliverDue } from './webhooks/delivery-use-cases.ts'
import { createHttpSender } from './webhooks/http-sender.ts'

export interface WorkSurroundings {
  readonly database: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly bell: Bell
  readonly mail: Config['mail']
  readonly publicUrl: string
}

const batch = 500
const deliveryHours = 25
const forgetDeliveries = (tx: Tx) => pruneDeliveries(tx, deliveryHours, batch)
const mailBatch = 100
const watchBatch = 100
const webhookBatch = 100
const clockwork = systemActor('clockwork')

/** Repeats a bounded step until it has nothing left to do. */
async function untilDone(signal: AbortSignal, size: number, step: () => Promise<number>): Promise<void> {
  while (!signal.aborted && (await step()) >= size);
}

export function createJobs(
  made: Capabilities,
  { database, clock, logger, mail, publicUrl }: WorkSurroundings,
): readonly Job[] {
  const sync = made.drains
  const webhookDeps = { secrets: made.secretBox, sender: createHttpSender(), now: () => clock.now() }
  const mailer = mail ? createSmtpMailer(mail) : createLogMailer(logger)
  return [
    { name: reconcileBell, drain: sync.reconcile, pollMs: 2_000 },
    { name: pollBell, drain: sync.poll, pollMs: 2_000 },
    { name: hintsBell, drain: sync.hints, pollMs: 2_000 },
    { name: taskBell, drain: made.taskWork.drain, pollMs: 5_000 },
    { name: driftBell, drain: made.drift.drain, pollMs: 60_000 },
    { name: importsBell, drain: made.importWork.drainImports, pollMs: 5_000 },
    {
      name: 'conflict_watch',
      pollMs: 5_000,
      drain: (signal) =>
        untilDone(signal, watchBatch, () =>
          database.transact(clockwork, (tx) => made.conflicts.watchClaims(tx, clockwork, watchBatch)),
        ),
    },
    {
      name: 'conflict_appeals',
      pollMs: 60_000,
      drain: (signal) =>
        untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) =>
            made.conflicts.closeUnappealed(tx, clockwork, clock.now(), batch),
          ),
        ),
    },
    {
      name: 'conflict_keys',
      pollMs: 60_000,
      drain: (signal) =>
        untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.conflicts.refileClaims(tx, batch)),
        ),
    },
    {
      name: 'protection',
      pollMs: 60_000,
      drain: async (signal) => {
        const now = clock.now()
        await untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.deals.expireDue(tx, now, batch)),
        )
        await untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.deals.remindExpiring(tx, now, batch)),
        )
      },
    },
    {
      name: 'holdbacks',
      pollMs: 60_000,
      drain: (signal) =>
        untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) =>
            made.incentives.releaseDue(tx, clockwork, dayIn(clock.now(), 'UTC'), batch),
          ),
        ),
    },
    {
      name: 'mail',
      pollMs: 5_000,
      drain: (signal) =>
        untilDone(
          signal,
          mailBatch,
          async () => (await sendPendingMail(database, mailer, { limit: mailBatch, publicUrl })).taken,
        ),
    },
    {
      name: 'webhooks',
      pollMs: 5_000,
      drain: (signal) =>
        untilDone(signal, webhookBatch, () => deliverDue(database, webhookDeps, webhookBatch)),
    },
    {
      name: 'seal',
      pollMs: 1_000,
      drain: async () => {
        await sealJournal(database, ledgerJournal)
        await sealJournal(database, auditJournal)
      },
    },
  ]
}

export function createSchedules(
  made: Capabilities,
  { database }: Pick<WorkSurroundings, 'database' | 'clock' | 'bell'>,
): readonly ScheduleEntry[] {
  return [
    {
      name: 'forget_idempotency_keys',
      cron: '17 * * * *',
      run: () => database.transact(clockwork, forgetOldAnswers),
    },
    {
      name: 'forget_deliveries',
      cron: '37 * * * *',
      run: (signal) => untilDone(signal, batch, () => database.transact(clockwork, forgetDeliveries)),
    },
    {
      name: 'reseal_secrets',
      cron: '5 3 * * *',
      run: async () => {
        // What no key opens is said last, so that it keeps nothing else from being sealed anew.
        const { unreadable } = await database.transact(clockwork, (tx) => made.connections.resealSecrets(tx))
        await database.transact(clockwork, (tx) => made.webhooks.resealSecrets(tx))
        if (unreadable.length > 0)
          throw new Error(`No key opens the credentials of: ${unreadable.join(', ')}`)
      },
    },
    {
      name: 'forget_call_counts',
      cron: '29 3 * * *',
      run: async () => {
        await database.transact(clockwork, (tx) => made.connections.forgetOldCalls(tx))
      },
    },
    {
      name: 'reconcile_connections',
      cron: '19 1 * * *',
      run: async () => {
        await database.transact(clockwork, (tx) => made.tasks.startDailyReconciliations(tx, clockwork))
      },
    },
    {
      name: 'forget_old_history',
      cron: '53 3 * * *',
      run: async (signal) => {
        await pruneSyncHistory(database, signal)
        await untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.imports.forgetReports(tx, batch)),
        )
        await untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.tasks.forgetOld(tx, batch)),
        )
        await untilDone(signal, batch, () =>
          database.transact(clockwork, (tx) => made.webhooks.forgetOld(tx, batch)),
        )
      },
    },
    {
      name: 'give_up_failing_webhooks',
      cron: '23 * * * *',
      run: async () => {
        await database.transact(clockwork, (tx) => made.webhooks.giveUpFailing(tx, clockwork))
      },
    },
    {
      name: 'seal_everything',
      cron: '41 2 * * *',
      run: async () => {
        await sealJournal(database, ledgerJournal, { everything: true })
        await sealJournal(database, auditJournal, { everything: true })
      },
    },
  ]
}
