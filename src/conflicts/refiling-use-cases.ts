import { asSystem, type Tx } from '#src/database/database.ts'
import { fileKeys, lockClaims, markKeys } from './claim-store.ts'
import { filingKeys, keysVersion } from './search-keys.ts'
import { claimsFiledBefore } from './search-store.ts'

/**
 * Files claims anew that were filed by older rules, so that whoever looks by today's rules finds them; until then they are
 * found by the keys that both rules share. Briefly under the claims lock, as whoever searches meanwhile must see either
 * state whole.
 * @returns how many were filed, at most `limit`
 */
export const refileClaims = (tx: Tx, limit: number): Promise<number> =>
  asSystem(tx, async (system) => {
    const claims = (await claimsFiledBefore(system, keysVersion, limit)).flatMap(({ claimId, company }) =>
      claimId === null ? [] : [{ claimId, keys: filingKeys(company) }],
    )
    if (claims.length === 0) return 0
    await lockClaims(system)
    await fileKeys(system, claims)
    await markKeys(
      system,
      claims.map(({ claimId }) => claimId),
    )
    return claims.length
  })
