import type { Locator, Page } from '@playwright/test'
import { expect, newEmail, password, test } from './test'

/** Where the keyboard is has to be seen: an outline, on what has the focus or on the label that stands for it. */
async function expectFocusSeen(page: Page): Promise<void> {
  const seen = await page.evaluate(() => {
    const drawn = (element: Element | null | undefined) => {
      if (!element) return false
      const { outlineStyle, outlineWidth } = getComputedStyle(element)
      return outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2
    }
    const active = document.activeElement
    const box = active?.getBoundingClientRect()
    const onScreen = box && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth
    return {
      what: active?.outerHTML.slice(0, 120),
      drawn: drawn(active) || drawn(active?.closest('label')),
      onScreen,
    }
  })
  expect(seen).toMatchObject({ drawn: true, onScreen: true })
}

/** Tabs on until `target` has the focus; everything on the way has to show it. */
async function tabTo(page: Page, target: Locator, key = 'Tab'): Promise<void> {
  await expect(target).toBeVisible()
  for (let step = 0; step < 40; step++) {
    if (await target.evaluate((element) => element === document.activeElement)) return
    await page.keyboard.press(key)
    await expectFocusSeen(page)
  }
  throw new Error(`the keyboard does not get to ${target.toString()}`)
}

test('everything can be done without a mouse', async ({ page }) => {
  const email = newEmail()
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const field = (name: string) => page.getByLabel(name, { exact: true })

  // The first stop leads past the header.
  await page.goto('/')
  await expect(page.getByRole('link', { name: 'Create account' })).toBeVisible()
  await page.keyboard.press('Tab')
  const skip = page.getByRole('link', { name: 'Skip to content' })
  await expect(skip).toBeFocused()
  await expect(skip).toBeInViewport({ ratio: 1 })
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  await expect(page.getByRole('link', { name: 'Create account' })).toBeFocused()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/signup')

  await tabTo(page, field('Name'))
  await page.keyboard.type('Ada Lovelace')
  await tabTo(page, field('Email'))
  await page.keyboard.type(email)
  await tabTo(page, field('Password'))
  await page.keyboard.type(password)
  await tabTo(page, button('Show password'))
  await page.keyboard.press('Space')
  await expect(field('Password')).toHaveAttribute('type', 'text')
  await tabTo(page, button('Create account'))
  await page.keyboard.press('Enter')

  await expect(page.getByText('Your account is ready')).toBeVisible()
  await expect(field('Password')).toBeFocused()
  await page.keyboard.type(password)
  await tabTo(page, page.getByRole('checkbox', { name: 'Keep me signed in on this device' }))
  await page.keyboard.press('Space')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/dashboard')

  // The new page starts at its beginning, not where the old one was left.
  await expect(page.getByRole('main')).toBeFocused()
  await tabTo(page, page.getByRole('radio', { name: /What the API sees of you/ }))
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await expect(page.getByRole('radio', { name: /Add a note/ })).toBeChecked()
  await tabTo(page, field('Text of the note'))
  await page.keyboard.type('Without a mouse')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: 'Answer' }).getByRole('status')).toContainText('201')
  await tabTo(page, page.getByLabel('Response body'))
  await expect(page.getByLabel('Response body')).toContainText('Without a mouse')

  await tabTo(page, page.getByRole('link', { name: 'Account', exact: true }), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL('/account')
  await expect(page.getByRole('list', { name: 'Account activity' })).toBeVisible()
  await tabTo(page, field('Name'))
  await page.keyboard.press('ControlOrMeta+A')
  await page.keyboard.type('Ada King')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Name saved.')).toBeVisible()
  await expect(field('Name')).toBeFocused()

  // A dialog keeps the keyboard, Escape leaves it, and the focus is back where it was.
  const remove = button('Delete account…')
  await tabTo(page, remove)
  for (const leave of ['Escape', 'Cancel']) {
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await expect(dialog.getByLabel('Your password', { exact: true })).toBeFocused()
    for (let step = 0; step < 12; step++) {
      await page.keyboard.press(step % 3 ? 'Tab' : 'Shift+Tab')
      const outside = await page.evaluate(() => {
        const active = document.activeElement
        return active !== document.body && !active?.closest('dialog') && active?.outerHTML
      })
      expect(outside).toBe(false)
    }
    if (leave === 'Cancel') {
      await dialog.getByRole('button', { name: 'Cancel' }).focus()
      await page.keyboard.press('Enter')
    } else {
      await page.keyboard.press('Escape')
    }
    await expect(dialog).toHaveCount(0)
    await expect(remove).toBeFocused()
  }

  await tabTo(page, button('Sign out'), 'Shift+Tab')
  await page.keyboard.press('Enter')
  await expect(page.getByText('You are signed out')).toBeVisible()
  await expect(field('Email')).toBeFocused()
})
