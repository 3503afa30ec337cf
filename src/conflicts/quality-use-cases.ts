import type { Tx } from '#src/database/database.ts'
import { measureQuality, type VersionQuality } from './label-quality.ts'
import { countLabels } from './label-store.ts'

export const createQualityUseCases = () => ({
  /** How often the bands were right, by people's decisions since then; all of them when `since` is null. */
  quality: async (tx: Tx, since: Date | null): Promise<readonly VersionQuality[]> =>
    measureQuality(await countLabels(tx, since)),
})
export type QualityUseCases = ReturnType<typeof createQualityUseCases>
