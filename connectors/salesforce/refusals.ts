import { ConnectorFault, type FaultKind } from '../fault.ts'

const kinds: ReadonlySet<FaultKind> = new Set(['configuration', 'rejected', 'gone', 'duplicate', 'changed'])

/** Refused for what we asked, not for the state of the connection: asking for something else may work. */
export const isRefusal = (error: unknown): error is ConnectorFault =>
  error instanceof ConnectorFault && kinds.has(error.kind)

/** For questions that an organisation may not know, or our user may not ask: null where it was refused. */
export async function orNull<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work()
  } catch (error) {
    if (isRefusal(error)) return null
    throw error
  }
}
