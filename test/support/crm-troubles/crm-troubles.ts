/**
 * What can go wrong in a CRM, whichever it is, as the people, the administrator and the network there bring it about.
 * Each vendor's file says how that looks in its own simulator; nothing here knows of our service.
 */
import type { CrmSimulator } from '#test/simulators/simulator.ts'
import type { CrmDesk } from '#test/support/desks/crm-desk.ts'

/** Which call of ours a trouble is for. */
export type Struck = 'create' | 'update' | 'read' | 'poll'

export interface TroubledCrm {
  readonly desk: CrmDesk
  /** What a deal needs over there, beside its name. */
  namedDeal(name: string): Readonly<Record<string, unknown>>
  readonly simulator: Pick<
    CrmSimulator<unknown>,
    | 'insertMany'
    | 'update'
    | 'touch'
    | 'remove'
    | 'get'
    | 'list'
    | 'history'
    | 'removeField'
    | 'setRequired'
    | 'expireSessions'
    | 'calls'
    | 'close'
  > & { readonly faults: { clear(): void } }
  /** Fields of deals, and the tier of a partner, that the default mapping names. */
  readonly fields: {
    readonly key: string
    readonly name: string
    readonly protectionEnd: string
    readonly status: string
    readonly tier: string
  }
  /** A text field of deals that no mapping names, labelled Campaign code. */
  readonly spareField: string
  /** Whether a field that the administrator requires is required of calls too. */
  readonly asksCallsForRequired: boolean
  /** Refuses one call; seconds are how long the CRM asks us to stay away, null where it does not say. */
  throttle(retryAfterSeconds: number | null): void
  /** How long we stay away after that, at least and at most. */
  statedPauseSeconds(retryAfterSeconds: number | null): readonly [number, number]
  /** Refuses so many calls of a kind with a gateway's page, or with the platform's own error. */
  breakDown(status: 500 | 502 | 503 | 504, body: 'html' | 'json', struck: Struck, count: number): void
  /** The next write of deals takes effect; its answer never comes. */
  loseAnswer(struck: 'create' | 'update', how: 'cut' | 'silence'): void
  /** The next write of deals never arrives. */
  cutBefore(struck: 'create' | 'update'): void
  /** Deals of this name are refused by a rule of the administrator. Answers a function that lifts it. */
  refuseDealsNamed(name: string): () => void
  /** The sign-in is taken away. Answers what a connection signs in with from now on. */
  revoke(): Readonly<Record<string, unknown>>
  /** The registration status knows no `Approved` any more. Answers a function that brings it back. */
  dropApproved(): () => void
  /** The administrator words the registration statuses in another language. */
  relabelStatuses(): void
  /** That part of all deals that are written is refused for what is in them, record by record. */
  refuseSome(probability: number): void
  /** A well-formed id that no deal has. */
  readonly unknownId: string
  /** The protection's end is there again, empty. */
  restoreProtectionEnd(): void
  /** A deal over there is refused as the double of this one. Answers a function that ends it. */
  refuseDoublesOf(id: string): () => void
  /** Answers the record that is left. */
  mergeCompanies(masterId: string, loserId: string): string
  /** What our reading of changes goes by is worth nothing any more; null where nothing there can expire. */
  readonly expireCursors: (() => void) | null
  readonly push: Push
}

export interface Disturbance {
  readonly drop?: boolean
  readonly double?: boolean
  readonly shuffle?: boolean
}

/** How the CRM tells of changes by itself. */
export type Push =
  | { readonly kind: 'webhook'; target(url: string): void; deliver(how: Disturbance): Promise<void> }
  | {
      /** We hold a connection, over which news comes at once. */
      readonly kind: 'channel'
      held(): number
      disturb(how: Pick<Disturbance, 'double' | 'shuffle'>): void
      /** What happened so far is not told any more. */
      forget(): void
    }

export interface TroubleOptions {
  /** How far the CRM's clock is ahead of ours. */
  readonly aheadMs?: number
}

export type OpenTroubledCrm = (options?: TroubleOptions) => Promise<TroubledCrm>
