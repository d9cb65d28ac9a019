/** Brings one-time links to operators. */
export interface SignInLinks {
  /**
   * Hands a link to what delivers it: `address` is a mail address of `OPERATORS`, and `link` is a
   * secret that belongs in no log. Rejects if it was not handed over.
   */
  deliver(address: string, link: string): Promise<void>
}
