import { ConnectorFault } from '#connectors/fault.ts'

/** The fault in which the work ends; the test fails where it ends otherwise. */
export async function faultOf(work: Promise<unknown>): Promise<ConnectorFault> {
  const error = await work.then(
    () => new Error('expected a fault'),
    (thrown: unknown) => thrown,
  )
  if (error instanceof ConnectorFault) return error
  throw error
}
