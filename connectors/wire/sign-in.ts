import { ConnectorFault } from '../fault.ts'
import { reasonToAbandon } from './exchange.ts'

/** Two sign-ins a window: one, and one more for a token that was refused. Then the refusal stands until it has passed. */
const guardWindowMs = 60_000
const signInsPerWindow = 2

export interface SignInOptions<Token> {
  /** Whose tokens they are, as people call it. */
  readonly vendor: string
  readonly now: () => Date
  /** Aborted by `close`: ends every call under way. */
  readonly life: AbortController
  /** A token that needs no sign-in. */
  readonly first?: Token
  /** Makes the sign-in; `at` is when it began. */
  readonly signIn: (at: Date) => Promise<Token>
  /** A token that is good no longer is replaced before it is used. */
  readonly isGood?: (token: Token, now: Date) => boolean
  /** Whether a refused call (`unauthorised`) is worth another token: usually a 401 is. */
  readonly isExpired?: (fault: ConnectorFault) => boolean
}

/** The token of one connection, in memory only. */
export interface SignIn<Token> {
  /** The token, after a sign-in where there is none. A sign-in is shared by all who wait; nobody's abort ends another's. */
  access(signal: AbortSignal): Promise<Token>
  /** Makes a call with the token, and once more with a new one where the first was refused. */
  use<T>(signal: AbortSignal, call: (token: Token) => Promise<T>): Promise<T>
  /** Ends every call under way and waits for their ends. Tokens are not revoked: other processes may hold the same one. */
  close(): Promise<void>
}

export function createSignIn<Token>(options: SignInOptions<Token>): SignIn<Token> {
  const { vendor, now, life, isGood = () => true } = options
  const isExpired = options.isExpired ?? (({ details }) => details.httpStatus === 401)
  const pending = new Set<Promise<void>>()
  let kept: { readonly token: Token } | null = options.first === undefined ? null : { token: options.first }
  let signingIn: Promise<{ readonly token: Token }> | null = null
  let signIns: readonly { readonly at: number; readonly refusal?: string }[] = []

  async function signIn(): Promise<{ readonly token: Token }> {
    const began = now()
    const at = began.getTime()
    signIns = signIns.filter((earlier) => at - earlier.at < guardWindowMs)
    if (signIns.length >= signInsPerWindow) {
      const reason = signIns.at(-1)?.refusal ?? `${vendor} refused the token that it had just given out`
      throw new ConnectorFault('unauthorised', `Not signing in again so soon: ${reason}`, {
        code: 'SIGN_IN_GUARD',
      })
    }
    try {
      kept = { token: await options.signIn(began) }
      signIns = [...signIns, { at }]
      return kept
    } catch (error) {
      if (isRefused(error)) signIns = [...signIns, { at, refusal: error.message }]
      throw error
    }
  }

  function accessKept(signal: AbortSignal): Promise<{ readonly token: Token }> {
    if (life.signal.aborted) return Promise.reject(abandoned('CLOSED'))
    if (kept && isGood(kept.token, now())) return Promise.resolve(kept)
    signingIn ??= track(signIn()).finally(() => {
      signingIn = null
    })
    return leavable(signingIn, signal)
  }

  /** Lets one waiter leave without ending the work that others wait for. */
  function leavable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => reject(abandoned(reasonToAbandon(signal, life.signal) ?? 'CANCELLED'))
      if (signal.aborted) leave()
      signal.addEventListener('abort', leave, { once: true })
      work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
    })
  }

  async function use<T>(signal: AbortSignal, call: (token: Token) => Promise<T>): Promise<T> {
    const current = await accessKept(signal)
    try {
      return await call(current.token)
    } catch (error) {
      if (!isRefused(error) || !isExpired(error)) throw error
      // Whoever comes first drops the refused token; the others find a newer one, or the sign-in under way.
      if (kept === current) kept = null
      return call((await accessKept(signal)).token)
    }
  }

  function track<T>(work: Promise<T>): Promise<T> {
    const settled = work.then(
      () => undefined,
      () => undefined,
    )
    pending.add(settled)
    void settled.then(() => pending.delete(settled))
    return work
  }

  return {
    access: async (signal) => (await accessKept(signal)).token,
    use: (signal, call) => track(use(signal, call)),
    async close() {
      life.abort()
      await Promise.all(pending)
      kept = null
    },
  }
}

const isRefused = (error: unknown): error is ConnectorFault =>
  error instanceof ConnectorFault && error.kind === 'unauthorised'

const abandoned = (code: string): ConnectorFault =>
  new ConnectorFault('unavailable', `The call was given up: ${code}`, { code })
