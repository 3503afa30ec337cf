import { createLogger, type Logger } from '#config/logger.ts'

export interface CapturedLog {
  readonly logger: Logger
  readonly entries: readonly { readonly level: string; readonly msg: string }[]
}

/** A logger that keeps its entries for the test to look at. */
export function captureLog(): CapturedLog {
  const entries: { level: string; msg: string }[] = []
  const logger = createLogger({
    level: 'info',
    destination: { write: (line) => void entries.push(JSON.parse(line)) },
  })
  return { logger, entries }
}
