/**
 * Task management (virtio 1.2, 5.6.6.2; SAM-5, 7): stop a command, ask for it, reset the drive. A read that is under way cannot be taken
 * back from the host; waiting for its end comes to the same, since an aborted command may also have been too fast.
 */
import { type ControlRequest, TASK } from './control.ts';
import type { Drive } from './drive.ts';
import { RESPONSE } from './request.ts';
import type { Tasks } from './tasks.ts';

type TaskRequest = Extract<ControlRequest, { kind: 'task' }>;
type TaskFunction = (request: TaskRequest) => Promise<number> | number;

export class TaskManagement {
  readonly #functions: Readonly<Record<number, TaskFunction>>;

  constructor(tasks: Tasks, drive: Drive) {
    const after = async (id: bigint | undefined, action = () => {}): Promise<number> => {
      await tasks.ended(id);
      action();
      return RESPONSE.ok;
    };
    const yes = (it: boolean) => (it ? RESPONSE.functionSucceeded : RESPONSE.ok);
    this.#functions = {
      [TASK.abort]: ({ id }) => after(id),
      [TASK.abortSet]: () => after(undefined),
      [TASK.clearSet]: () => after(undefined),
      [TASK.nexusReset]: () => after(undefined, () => drive.reset('lostNexus')),
      [TASK.unitReset]: () => after(undefined, () => drive.reset('wasReset')),
      [TASK.query]: ({ id }) => yes(tasks.has(id)),
      [TASK.querySet]: () => yes(tasks.any),
      // CLEAR ACA: this drive never establishes one.
    };
  }

  /** The response for a request, once what it asks for is done. */
  async run(request: ControlRequest): Promise<number> {
    if (request.to === 'no-target') return RESPONSE.badTarget;
    if (request.to === 'no-unit') return RESPONSE.incorrectLun;
    if (request.kind === 'events') return RESPONSE.ok;
    return (await this.#functions[request.subtype]?.(request)) ?? RESPONSE.functionRejected;
  }
}
