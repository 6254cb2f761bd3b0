declare module 'jasmine-core/lib/jasmine-core/jasmine.js' {
  interface Result {
    fullName: string;
    status: string;
    failedExpectations: { message: string }[];
  }
  interface Env {
    configure(options: { random: boolean }): void;
    clearReporters(): void;
    addReporter(reporter: { specDone(result: Result): void }): void;
    execute(): Promise<unknown>;
  }
  interface Jasmine {
    DEFAULT_TIMEOUT_INTERVAL: number;
    getEnv(options: { suppressLoadErrors: boolean }): Env;
  }
  const jasmineRequire: {
    core(require: unknown): Jasmine;
    interface(jasmine: Jasmine, env: Env): Record<string, unknown>;
  };
  export default jasmineRequire;
}
