/**
 * Which of the items that want to leave now may: as few calls as can be, and nobody waits longer than its time. Full
 * batches always go; one that is not full goes only with an item that has waited enough, and takes along as many of the
 * others as have room. The rest waits for company.
 * @returns those that go, the ripe ones first, in their order
 */
export function fullBatches<Item>(
  items: readonly Item[],
  size: number,
  isRipe: (item: Item) => boolean,
): readonly Item[] {
  const ripe = items.filter(isRipe)
  const young = items.filter((item) => !isRipe(item))
  const batches = Math.max(Math.ceil(ripe.length / size), Math.floor(items.length / size))
  return [...ripe, ...young].slice(0, batches * size)
}
