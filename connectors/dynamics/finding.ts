import type { SetupStep } from '../setup.ts'

/** A step and, where we can take it, the way to do so. */
export interface Finding extends SetupStep {
  readonly create?: (signal: AbortSignal) => Promise<void>
}

/** Without what only we use. */
export const stepOf = ({ id, title, state, detail }: Finding): SetupStep => ({ id, title, state, detail })
