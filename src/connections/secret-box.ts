import { createHash } from 'node:crypto'
import { CompactEncrypt, compactDecrypt, decodeProtectedHeader } from 'jose'

/** Keys of 32 bytes: `current` seals, all of them open. */
export interface SealingKeys {
  readonly current: Uint8Array
  readonly previous: readonly Uint8Array[]
}

/** Encrypts what may never leave the service again. A sealed text opens only for the owner that it was sealed for. */
export interface SecretBox {
  seal(owner: string, secret: unknown): Promise<string>
  /** @throws SealBroken when no key of ours opens it, it was changed, or it belongs to another owner */
  open(owner: string, sealed: string): Promise<unknown>
  /** Sealed with the current key? Otherwise it ought to be sealed anew before the old key is taken away. */
  isCurrent(sealed: string): boolean
}

export class SealBroken extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'SealBroken'
  }
}

const algorithms = { alg: 'dir', enc: 'A256GCM' } as const

/** Names a key without telling anything of it. */
const keyId = (key: Uint8Array): string => createHash('sha256').update(key).digest('hex').slice(0, 16)

/** JWE in compact form (RFC 7516), direct encryption with AES-256-GCM; `kid` names the key, `sub` the owner. */
export function createSecretBox({ current, previous }: SealingKeys): SecretBox {
  const keys = new Map([current, ...previous].map((key) => [keyId(key), key]))
  const currentId = keyId(current)
  return {
    seal: (owner, secret) =>
      new CompactEncrypt(new TextEncoder().encode(JSON.stringify(secret)))
        .setProtectedHeader({ ...algorithms, kid: currentId, sub: owner })
        .encrypt(current),
    async open(owner, sealed) {
      const { kid, sub } = headerOf(sealed)
      const key = keys.get(String(kid))
      if (!key) {
        throw new SealBroken(
          `The stored credentials were encrypted with key ${String(kid)}, which this installation does not have. Add that key to SECRET_KEY_PREVIOUS, or replace the credentials.`,
        )
      }
      if (sub !== owner) throw new SealBroken('The stored credentials belong to another connection')
      try {
        const { plaintext } = await compactDecrypt(sealed, key, {
          keyManagementAlgorithms: [algorithms.alg],
          contentEncryptionAlgorithms: [algorithms.enc],
        })
        return JSON.parse(new TextDecoder().decode(plaintext))
      } catch (error) {
        throw new SealBroken('The stored credentials are damaged. Replace them.', { cause: error })
      }
    },
    isCurrent: (sealed) => headerOf(sealed).kid === currentId,
  }
}

function headerOf(sealed: string): Readonly<Record<string, unknown>> {
  try {
    return decodeProtectedHeader(sealed)
  } catch (error) {
    throw new SealBroken('The stored credentials are damaged. Replace them.', { cause: error })
  }
}
