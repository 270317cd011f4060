/** Commands that are under way, by the name that the driver gave them, for task management to ask for and to wait for. */

interface Task {
  readonly id: bigint;
  readonly done: Promise<void>;
}

export class Tasks {
  readonly #running = new Set<Task>();

  /** `done` never rejects. */
  add(id: bigint, done: Promise<void>): void {
    const task: Task = { id, done: done.then(() => void this.#running.delete(task)) };
    this.#running.add(task);
  }

  has(id: bigint): boolean {
    return [...this.#running].some(task => task.id === id);
  }

  get any(): boolean {
    return this.#running.size > 0;
  }

  /** Resolves once those that run now have ended: all, or the ones with this name. */
  async ended(id?: bigint): Promise<void> {
    await Promise.all([...this.#running].flatMap(task => (id === undefined || task.id === id ? [task.done] : [])));
  }
}
