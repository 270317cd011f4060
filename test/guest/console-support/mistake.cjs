// Loaded into tslaunch ahead of its own code (NODE_OPTIONS=--require): plants the mistakes that a program does not make on purpose.
// MISTAKE says which: an exception on main at SIGUSR2 (`throw`, `reject`), one in the thread of a vCPU while it loads (`load`), when it
// waits for a guest (`wait`), or when it handles an exit of the guest, the access to an I/O port that nobody else uses (`exit`).
const { isMainThread } = require('node:worker_threads');

const THE_PORT = 0xbad;
const mistake = () => {
  throw new Error('a mistake of ours');
};

const IN_MAIN = {
  throw: () => process.on('SIGUSR2', mistake),
  reject: () => process.on('SIGUSR2', async () => mistake()),
};
const IN_THREAD = {
  load: mistake,
  wait: () => setImmediate(mistake),
  exit: () => {
    // Whoever looks for the port among the windows of the port bus finds the mistake.
    const window = { space: 'io', base: THE_PORT, end: THE_PORT + 1 };
    const { find } = Array.prototype;
    Array.prototype.find = function (wanted, ...rest) {
      if (this.every(item => item?.space) && wanted(window, 0, this) === true) mistake();
      return find.call(this, wanted, ...rest);
    };
  },
};
(isMainThread ? IN_MAIN : IN_THREAD)[process.env.MISTAKE]?.();
