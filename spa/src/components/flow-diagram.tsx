import clsx from 'clsx'

/** The way of a request, drawn twice: across a wide screen, and down a phone. */
export function FlowDiagram({ className }: { className?: string }) {
  return (
    <figure className={clsx('rounded-card border border-line bg-surface p-6 shadow-card sm:p-8', className)}>
      <svg viewBox="-1 -1 962 210" role="img" aria-label={IN_WORDS} className="hidden w-full md:block">
        <Way d="M216 104H346" />
        <Way d="M576 104H722" />
        <Way d="M664 104V44Q664 36 672 36H722" />
        <Way d="M664 104V164Q664 172 672 172H722" />
        <Tip x={350} y={104} />
        <Tip x={726} y={36} />
        <Tip x={726} y={104} />
        <Tip x={726} y={172} />
        <LineLabel x={282} y={92} text="HttpOnly cookie" />
        <LineLabel x={619} y={92} text="signed JWT" />
        <Browser x={0} y={24} />
        <Gate x={352} y={8} />
        <Api x={728} y={8} name="Orders API" />
        <Api x={728} y={76} name="Billing API" />
        <Api x={728} y={144} name="Any API" />
      </svg>
      <svg
        viewBox="-1 -1 234 538"
        role="img"
        aria-label={IN_WORDS}
        className="mx-auto w-full max-w-[264px] md:hidden"
      >
        <Way d="M116 160V218" />
        <Way d="M116 416V474" />
        <Tip x={116} y={222} down />
        <Tip x={116} y={478} down />
        <LineLabel x={130} y={186} text="HttpOnly" start />
        <LineLabel x={130} y={203} text="cookie" start />
        <LineLabel x={130} y={450} text="signed JWT" start />
        <Browser x={8} y={0} />
        <Gate x={4} y={224} />
        <Api x={0} y={480} name="Your APIs" />
      </svg>
    </figure>
  )
}

const IN_WORDS =
  'The browser sends an HttpOnly cookie to Gatehouse, and Gatehouse sends a signed identity token to your APIs.'

interface At {
  x: number
  y: number
}

function Browser({ x, y }: At) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect width="216" height="160" rx="12" className="fill-canvas stroke-line-strong" />
      <path d="M0 36H216" className="stroke-line-strong" />
      <g className="fill-line-strong">
        <circle cx="18" cy="18" r="4" />
        <circle cx="32" cy="18" r="4" />
        <circle cx="46" cy="18" r="4" />
      </g>
      <rect x="64" y="10" width="136" height="16" rx="8" className="fill-hover" />
      <text x="108" y="76" textAnchor="middle" className="fill-ink text-[17px] font-semibold">
        Browser
      </text>
      <text x="108" y="99" textAnchor="middle" className="fill-muted text-[14px]">
        your single-page app
      </text>
      <g transform="translate(55 116)">
        <rect width="106" height="26" rx="13" className="fill-accent-soft stroke-accent-line" />
        <text x="53" y="17.5" textAnchor="middle" className="fill-accent-ink text-[13px] font-medium">
          no token here
        </text>
      </g>
    </g>
  )
}

function Gate({ x, y }: At) {
  return (
    <g transform={`translate(${x} ${y})`} textAnchor="middle" className="fill-on-accent">
      <rect width="224" height="192" rx="12" className="fill-accent" />
      <path
        transform="translate(88 22) scale(1.5)"
        d="M7 25V9h3v2h2.5V9h7v2H22V9h3v16h-5v-5.5a4 4 0 0 0-8 0V25z"
      />
      <text x="112" y="96" className="text-[18px] font-semibold">
        Gatehouse
      </text>
      <g className="text-[14px]">
        <text x="112" y="124">
          signs people in
        </text>
        <text x="112" y="146">
          renews their session
        </text>
        <text x="112" y="168">
          speaks for them
        </text>
      </g>
    </g>
  )
}

function Api({ x, y, name }: At & { name: string }) {
  return (
    <g transform={`translate(${x} ${y})`}>
      <rect width="232" height="56" rx="12" className="fill-canvas stroke-line-strong" />
      <g transform="translate(20 18)" className="fill-none stroke-muted [stroke-width:1.5]">
        <rect width="20" height="8" rx="2" />
        <rect y="12" width="20" height="8" rx="2" />
        <path d="M4 4h.01M4 16h.01" strokeLinecap="round" />
      </g>
      <text x="54" y="33" className="fill-ink text-[15px] font-medium">
        {name}
      </text>
      <text x="214" y="33" textAnchor="end" className="fill-faint text-[13px]">
        no cookie
      </text>
    </g>
  )
}

interface LineLabelProps extends At {
  text: string
  start?: boolean
}

function LineLabel({ x, y, text, start = false }: LineLabelProps) {
  const anchor = start ? 'start' : 'middle'
  return (
    <text x={x} y={y} textAnchor={anchor} className="fill-accent-ink font-mono text-[13px]">
      {text}
    </text>
  )
}

function Way({ d }: { d: string }) {
  return <path d={d} className="flow-line fill-none stroke-accent-ink [stroke-width:1.5]" />
}

function Tip({ x, y, down = false }: At & { down?: boolean }) {
  return (
    <path
      d="M-6 -4.5L0 0L-6 4.5"
      transform={`translate(${x} ${y})${down ? ' rotate(90)' : ''}`}
      className="fill-none stroke-accent-ink [stroke-linecap:round] [stroke-linejoin:round] [stroke-width:1.5]"
    />
  )
}
