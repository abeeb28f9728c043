import { NavLink } from 'react-router'

/** The ways between members' pages. */
export default function MainNav({ admin }: { admin: boolean }) {
  return (
    <>
      <NavItem to="/dashboard">Dashboard</NavItem>
      {admin && (
        <>
          <NavItem to="/admin/users">Users</NavItem>
          <NavItem to="/admin/audit">Audit</NavItem>
        </>
      )}
    </>
  )
}

function NavItem({ to, children }: { to: string; children: string }) {
  return (
    <NavLink
      to={to}
      className="rounded-control px-2.5 py-1.5 text-sm font-medium text-muted hover:text-ink aria-[current=page]:bg-hover aria-[current=page]:text-ink"
    >
      {children}
    </NavLink>
  )
}
