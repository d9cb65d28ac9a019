import { strings as shared } from '@chatbox/ui'

/** All texts of this page, including the shared ones. */
export const strings = {
  ...shared,
  title: 'Support chat',
  chats: 'Your chats',
  openChats: 'Show your chats',
  closeChats: 'Close your chats',
  newChat: 'New chat',
  endChat: 'End chat',
  endConfirm: 'End this chat? You can still read it later.',
  keepChat: 'Keep chatting',
  unnamed: 'New chat',
  ended: 'Ended',
  moreChats: 'Show more',
  noChats: 'Your chats will be listed here.',
  chatsFailed: 'Your chats could not be read.',
  skip: 'Skip to the message box',
  model: 'Model',
  connecting: 'Connecting',
  online: 'Connected',
  offline: 'No connection. What you write is kept, and sent once there is one.',
  reconnecting: 'Connecting. What you write is kept, and sent once that has worked.',
  tryNow: 'Try now',
  startChat: 'Start a new chat',
  continueChat: 'Continue in the current chat',
  dismiss: 'Close',
  signInTitle: 'Please sign in',
  signInText:
    'This chat is opened from the website or app that it belongs to. Sign in there first.',
  refusedTitle: 'You cannot connect',
  refusedText: 'The server did not accept your sign-in. Sign in again, or try later.',
} as const
