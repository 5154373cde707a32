import { post } from '../api'
import { Field, Form } from '../form'

export function Password({ first, name, done }: { first: boolean; name: string; done: () => void }) {
  return (
    <div className="stack">
      <h1>{first ? `Welcome, ${name}. Choose a password` : 'Change your password'}</h1>
      <p className="soft">At least 12 characters. Three or four words that do not belong together are good, and easy to keep in mind.</p>
      <Form button="Keep this password" submit={async (values) => {
        if (values['new'] !== values['again']) throw new Error('The two passwords differ. Type the same twice.')
        await post('/api/password', first ? { new: values['new'] } : { old: values['old'], new: values['new'] })
        done()
      }}>
        <input type="text" name="username" value={name} autoComplete="username" readOnly hidden />
        {!first && <Field name="old" label="Password until now" type="password" autoComplete="current-password" />}
        <Field name="new" label="New password" type="password" autoComplete="new-password" />
        <Field name="again" label="The same once more" type="password" autoComplete="new-password" />
      </Form>
    </div>
  )
}
