import type { Api } from '#test/support/api-client.ts'
import type { Protocol } from './protocol.ts'

/** What every proof stands on: a service of its own, and a place for what it found out. */
export interface ProofBase {
  readonly admin: Api
  readonly protocol: Protocol
  /** For files of this run. */
  readonly folder: string
  /** Of the service's own database. */
  readonly dataFolder: string
  readonly pollSeconds: number
}

/** A proof whose CRMs are running. */
export interface PreparedProof {
  readonly about: string
  run(base: ProofBase): Promise<void>
  close(): Promise<void>
}
