import { ConnectorFault } from '../fault.ts'
import type { ConnectorSetup, NeededField, SetupNeeds, SetupStep } from '../setup.ts'
import { type CrmObject, crmObject, isCrmObject } from './api-paths.ts'
import { type Apis, listed } from './apis.ts'
import {
  type AssociationField,
  associationField,
  associationName,
  readLabels,
  slugOf,
} from './associations.ts'
import type { HubspotCredentials } from './credentials.ts'
import { type PropertyDefinition, readProperties } from './fields.ts'
import { readAccount, readTokenOwner } from './identity.ts'
import type { Call, Session } from './session.ts'
import {
  group,
  judgeProperty,
  labelOf,
  lackingOptions,
  optionOf,
  propertyToCreate,
  stepIdOf,
} from './setup-fields.ts'

interface Found {
  readonly object: CrmObject
  readonly field: NeededField
  readonly step: SetupStep
  /** Creates what the step says is missing. */
  readonly create: (signal: AbortSignal) => Promise<unknown>
}

/** Looks at a portal, and adds what mappings need: properties with their group, and association labels. */
export function createSetup(session: Session, credentials: HubspotCredentials): ConnectorSetup {
  async function look(needs: SetupNeeds, signal: AbortSignal): Promise<readonly Found[]> {
    const found: Found[] = []
    for (const { object: name, fields } of needs.objects) {
      if (!isCrmObject(name)) continue
      const object = crmObject(name)
      const properties = await readProperties(session, 'setup', object, signal)
      const byName = new Map(properties.map((property) => [property.name, property]))
      for (const field of fields) {
        const association = associationField(object, field.name)
        found.push(
          association
            ? await lookAtLabel(object, field, association, signal)
            : lookAtProperty(object, field, byName.get(field.name)),
        )
      }
    }
    return found
  }

  function lookAtProperty(
    object: CrmObject,
    field: NeededField,
    property: PropertyDefinition | undefined,
  ): Found {
    const step = judgeProperty(object, field, property)
    const create = async (signal: AbortSignal) => {
      if (property) return addOptions(object, field, property, signal)
      await createGroup(object, signal)
      return session.send(
        setupCall(object, (apis) => apis.properties().create(object, propertyToCreate(field))),
        signal,
      )
    }
    return { object, field, step, create }
  }

  function addOptions(
    object: CrmObject,
    field: NeededField,
    property: PropertyDefinition,
    signal: AbortSignal,
  ) {
    const kept = (property.options ?? []).map(({ value, label, hidden }, place) => ({
      ...optionOf(value, label, place),
      hidden: hidden ?? false,
    }))
    const added = lackingOptions(field, property).map((choice, at) =>
      optionOf(choice, labelOf(field, choice), kept.length + at),
    )
    return session.send(
      setupCall(object, (apis) =>
        apis.properties().update(object, field.name, { options: [...kept, ...added] }),
      ),
      signal,
    )
  }

  async function createGroup(object: CrmObject, signal: AbortSignal): Promise<void> {
    const { value } = await session.send(
      setupCall(object, async (apis) => listed(await apis.propertyGroups().getAll(object))),
      signal,
    )
    if (value.results.some(({ name }) => name === group.name)) return
    await session.send(
      setupCall(object, (apis) => apis.propertyGroups().create(object, { ...group, displayOrder: -1 })),
      signal,
    )
  }

  async function lookAtLabel(
    object: CrmObject,
    field: NeededField,
    { name, to, label }: AssociationField,
    signal: AbortSignal,
  ): Promise<Found> {
    const labels = await readLabels(session, 'setup', object, to, signal)
    const isThere =
      label === null ||
      labels.some(
        (known) => known.category !== 'HUBSPOT_DEFINED' && associationName(to, known.label ?? '') === name,
      )
    const text = slugOf(field.label) === label ? field.label : wordsOf(label ?? '')
    const step: SetupStep = {
      id: stepIdOf(object, field),
      title: `Association label "${text}" from ${object} to ${to}`,
      state: isThere ? 'done' : 'missing',
      detail: isThere ? 'Is there.' : 'Will be created; people then see it on both records.',
    }
    const create = (signal: AbortSignal) =>
      session.send(
        setupCall(object, (apis) =>
          apis.associationLabels().create(object, to, { label: text, name: label ?? slugOf(text) }),
        ),
        signal,
      )
    return { object, field, step, create }
  }

  async function plan(needs: SetupNeeds, signal: AbortSignal): Promise<readonly SetupStep[]> {
    const account = await readAccount(session, credentials, 'setup', signal)
    const owner = await readTokenOwner(session, credentials, 'setup', signal)
    const objects = needs.objects.flatMap(({ object }) => (isCrmObject(object) ? [object] : []))
    const found = await look(needs, signal)
    return [
      scopesStep(objects, owner?.scopes ?? []),
      currencyStep(account.homeCurrency, account.otherCurrencies),
      ...found.map(({ step }) => step),
      ...webhookSteps(needs, objects, credentials),
    ]
  }

  return {
    plan,
    async apply(needs, stepIds, signal) {
      for (const { step, create } of await look(needs, signal)) {
        if (step.state !== 'missing' || !stepIds.includes(step.id)) continue
        try {
          await create(signal)
        } catch (error) {
          // Somebody else was faster; the new plan tells how it stands.
          if (!(error instanceof ConnectorFault) || error.kind !== 'duplicate') throw error
        }
      }
      return plan(needs, signal)
    },
  }
}

const setupCall = <T>(object: CrmObject, ask: (apis: Apis) => Promise<T>): Call<T> => ({
  operation: 'setup',
  object,
  records: 0,
  ask,
})

const wordsOf = (slug: string): string => {
  const words = slug.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function scopesStep(objects: readonly CrmObject[], granted: readonly string[]): SetupStep {
  const step = { id: 'scopes', title: 'Permissions of the app' }
  const needed = [
    ...objects.flatMap((object) =>
      ['objects', 'schemas'].flatMap((kind) =>
        ['read', 'write'].map((right) => `crm.${kind}.${object}.${right}`),
      ),
    ),
    'crm.objects.owners.read',
  ]
  if (granted.length === 0) {
    return {
      ...step,
      state: 'by_hand',
      detail: `HubSpot does not tell what this token may do. It needs: ${needed.join(', ')}.`,
    }
  }
  const lacking = needed.filter((scope) => !granted.includes(scope))
  if (lacking.length === 0) return { ...step, state: 'done', detail: 'All scopes are granted.' }
  return {
    ...step,
    state: 'by_hand',
    detail: `Add these scopes to the app in HubSpot, then install it again: ${lacking.join(', ')}.`,
  }
}

function currencyStep(home: string | null, others: readonly string[]): SetupStep {
  const step = { id: 'currency', title: 'Currencies' }
  if (home === null) {
    return {
      ...step,
      state: 'by_hand',
      detail: "Choose the company's currency in HubSpot: Settings, Account defaults.",
    }
  }
  const detail =
    others.length > 0
      ? `Deals carry their currency: ${[home, ...others].join(', ')}. Deals in any other currency are not sent.`
      : `HubSpot has one currency, ${home}. Deals in any other currency are not sent until it is added there.`
  return { ...step, state: 'done', detail }
}

/** HubSpot tells nobody which webhooks an app has; without them changes are found by polling. */
function webhookSteps(
  { webhookUrl }: SetupNeeds,
  objects: readonly CrmObject[],
  { clientSecret, appId }: HubspotCredentials,
): readonly SetupStep[] {
  if (webhookUrl === null) return []
  const events = 'creation, deletion, merge, restore, propertyChange, associationChange'
  const secret = clientSecret === undefined ? " Store the app's client secret in the connection." : ''
  const app =
    appId === undefined ? " Store the app's id in the connection, so that it knows its own changes." : ''
  return [
    {
      id: 'webhooks',
      title: 'Webhooks',
      state: 'by_hand',
      detail:
        `In the app's webhooks component (webhooks/*-hsmeta.json), set targetUrl to ${webhookUrl} and subscribe ` +
        `${objects.join(', ')} to ${events}; then upload the project.${secret}${app} ` +
        'A service key has no webhooks: its changes are polled.',
    },
  ]
}
