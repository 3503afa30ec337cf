/**
 * Connections to CRMs: who we are over there, whether we may work, and the mappings that say what corresponds.
 * This folder keeps credentials sealed, guards every call (organisation, pauses, budget) and releases mappings.
 * It must not know what a deal is, decide what is written, or retry anything: that is the sync engine's.
 *
 * connection.ts: the standing of a connection. Pure.
 */
import { z } from 'zod'
import { timeZoneSchema } from '#src/kernel/calendar.ts'
import type { ConnectionId } from '#src/kernel/ids.ts'
import { currencySchema } from '#src/kernel/money.ts'
import { lineSchema } from '#src/kernel/text.ts'

export const connectionStatuses = ['active', 'paused', 'attention'] as const
/** attention: stopped until a person has mended something. */
export type ConnectionStatus = (typeof connectionStatuses)[number]

export interface Usage {
  readonly used: number
  readonly limit: number
  readonly at: Date
}

/** Whether a connection may work. A pause with `pausedUntil` ends by itself. */
export interface Standing {
  readonly status: ConnectionStatus
  readonly pausedUntil: Date | null
  readonly pauseReason: string | null
}

/** A connection as everybody may know it; its credentials are never part of it. */
export interface Connection extends Standing {
  readonly id: ConnectionId
  readonly name: string
  readonly vendor: string
  readonly credentialsRevision: number
  /** Pinned by the first call; from then on no other organisation is worked with. */
  readonly organisationId: string | null
  /** Our own user over there. */
  readonly remoteUserId: string | null
  /** Where people look at records over there; null where the CRM did not say. */
  readonly instanceUrl: string | null
  readonly multiCurrency: boolean
  /** The currency of an organisation with only one. */
  readonly homeCurrency: string | null
  /** IANA zone in which instants of the CRM become days. */
  readonly timeZone: string
  readonly pollSeconds: number
  readonly usage: Usage | null
  /** How many calls of ours there may be in 24 hours; null: as many as the vendor allows. */
  readonly callsPerDay: number | null
  /** How much of the vendor's limits is ours, in per cent: other systems live off them too. */
  readonly callShare: number
  readonly revision: number
  readonly createdAt: Date
}

const nameSchema = lineSchema(100)
export const settingsSchema = z
  .strictObject({
    name: nameSchema,
    pollSeconds: z.int().min(5).max(3600),
    timeZone: timeZoneSchema,
    homeCurrency: currencySchema.nullable(),
    /** Calls of ours in 24 hours; null: as many as the vendor allows. */
    callsPerDay: z.int().min(1).max(100_000_000).nullable(),
    /** How much of the vendor's limits is ours, in per cent. */
    callShare: z.int().min(1).max(100),
  })
  .partial()
  .meta({ id: 'ConnectionSettings' })
export type ConnectionSettings = z.infer<typeof settingsSchema>

export const connectionInputSchema = z
  .strictObject({
    ...settingsSchema.shape,
    name: nameSchema,
    vendor: z.string().min(1).max(50),
    /** As the vendor needs them; see the list of vendors. */
    credentials: z.record(z.string(), z.unknown()),
    /** Start paused, so that mappings can be looked at before anything is written. */
    paused: z.boolean().optional(),
  })
  .meta({ id: 'NewConnection' })
export type ConnectionInput = z.infer<typeof connectionInputSchema>

/** A pause as it is asked for: with a person needed (`attention`), until a moment, or until somebody resumes. */
export interface PauseRequest {
  readonly until: Date | null
  readonly reason: string
  readonly attention: boolean
}

export const activeStanding: Standing = { status: 'active', pausedUntil: null, pauseReason: null }

/** The standing as it is at `now`: a pause whose time has passed is over. */
export const standingAt = (standing: Standing, now: Date): Standing =>
  standing.status === 'paused' && standing.pausedUntil !== null && standing.pausedUntil <= now
    ? activeStanding
    : standing

export const mayWork = (standing: Standing, now: Date): boolean =>
  standingAt(standing, now).status === 'active'

const quietMs = 60 * 60_000

/** How long a standing holds by itself; a stronger one is never weakened by a weaker. */
const strength = ({ status, pausedUntil }: Standing): number =>
  ({ active: 0, paused: pausedUntil?.getTime() ?? 8.64e15, attention: Number.POSITIVE_INFINITY })[status]

/**
 * The standing after a pause is asked for; null when it changes nothing. A short pause never shortens a longer one nor
 * replaces what a person has to mend.
 */
export function pause(current: Standing, request: PauseRequest, now: Date): Standing | null {
  const next: Standing = request.attention
    ? { status: 'attention', pausedUntil: null, pauseReason: request.reason }
    : { status: 'paused', pausedUntil: request.until, pauseReason: request.reason }
  const before = standingAt(current, now)
  if (next.pausedUntil && next.pausedUntil <= now) return null
  const same = next.status === before.status && next.pauseReason === before.pauseReason
  if (strength(next) < strength(before) || (same && strength(next) === strength(before))) return null
  return next
}

/**
 * Is the change worth telling people? A pause that is prolonged, or begins anew for the same reason within the hour, is
 * still the one that they were told of; so is the need for attention while they have not met it.
 */
export function isNews(current: Standing, next: Standing, now: Date): boolean {
  if (next.status === 'active') return false
  if (next.status !== current.status) return true
  if (next.status === 'attention') return false
  if (next.pauseReason !== current.pauseReason) return true
  const endedAt = current.pausedUntil
  return endedAt !== null && now.getTime() - endedAt.getTime() > quietMs
}
