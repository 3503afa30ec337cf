/** Which findings belong to one case: those that share a deal or a claim, with each other or with an open case. Pure. */
import type { CaseId } from './case.ts'

export interface Meeting {
  /** Names of everything that meets here: deals and claims. */
  readonly members: readonly string[]
}

export interface CaseGroup<Finding extends Meeting> {
  /** The oldest open case of the group goes on. */
  readonly caseId: CaseId | null
  /** Open cases that turn out to be about the same. */
  readonly joined: readonly CaseId[]
  readonly findings: readonly Finding[]
}

/** @param open open cases that share a member with some finding */
export function groupFindings<Finding extends Meeting>(
  findings: readonly Finding[],
  open: readonly (Meeting & { readonly caseId: CaseId })[],
): readonly CaseGroup<Finding>[] {
  const parents = new Map<string, string>()
  const rootOf = (name: string): string => {
    let root = name
    for (let next = parents.get(root); next !== undefined; next = parents.get(root)) root = next
    return root
  }
  const unite = ([first, ...rest]: readonly string[]): void => {
    for (const name of rest) {
      const [a, b] = [rootOf(first ?? name), rootOf(name)]
      if (a !== b) parents.set(b, a)
    }
  }
  for (const { members } of [...open, ...findings]) unite(members)
  const rootOfMeeting = ({ members: [first] }: Meeting): string => rootOf(first ?? '')
  const cases = Map.groupBy(open, rootOfMeeting)
  return [...Map.groupBy(findings, rootOfMeeting)].map(([root, grouped]) => {
    const [caseId = null, ...joined] = (cases.get(root) ?? []).map((one) => one.caseId).sort()
    return { caseId, joined, findings: grouped }
  })
}
