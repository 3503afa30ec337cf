/** A field that mappings name and that a fresh organisation does not have. */
export interface NeededField {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'number' | 'boolean' | 'date' | 'datetime' | 'choice' | 'currency' | 'reference'
  readonly maxLength?: number
  readonly choices?: readonly string[]
  /** How people read the choices, in their order; absent where the choices are words themselves. */
  readonly choiceLabels?: readonly string[]
  /** The object that a reference names. */
  readonly references?: string
  /** Holds our key: unique, an external id where the CRM has such a thing. */
  readonly isKey: boolean
}

export interface SetupNeeds {
  readonly objects: readonly { readonly object: string; readonly fields: readonly NeededField[] }[]
  /** The public address that webhooks are to be sent to; null where there is none. */
  readonly webhookUrl: string | null
}

/** One thing the organisation must have, and how it stands. */
export interface SetupStep {
  /** The same in every plan for the same needs. */
  readonly id: string
  readonly title: string
  /** by_hand: missing, and only a person can add it. wrong: there, but not as it must be. */
  readonly state: 'done' | 'missing' | 'wrong' | 'by_hand'
  /** What is the matter and what to do, in plain words. */
  readonly detail: string
}

export interface ConnectorSetup {
  /** Looks at everything and changes nothing. */
  plan(needs: SetupNeeds, signal: AbortSignal): Promise<readonly SetupStep[]>
  /** Creates what the named steps say is missing, and plans again. Safe to repeat. */
  apply(needs: SetupNeeds, stepIds: readonly string[], signal: AbortSignal): Promise<readonly SetupStep[]>
}
