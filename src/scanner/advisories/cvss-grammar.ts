/** Which metrics a version of CVSS has, which values they take, and which must be there. */
export interface CvssGrammar {
  readonly metrics: readonly { readonly name: string; readonly values: readonly string[] }[]
  readonly base: readonly string[]
  /** Groups that are given whole or not at all. */
  readonly wholeGroups: readonly (readonly string[])[]
  /** Whether metrics must stand in the order of `metrics`. */
  readonly isOrdered: boolean
}

function metrics(table: string): CvssGrammar['metrics'] {
  return table
    .trim()
    .split(/\s+/)
    .map((entry) => {
      const [name = '', values = ''] = entry.split('=')
      return { name, values: values.split(',') }
    })
}

/** CVSS 2.0, section 2.4. */
export const CVSS_2: CvssGrammar = {
  metrics: metrics(`
    AV=L,A,N AC=H,M,L Au=M,S,N C=N,P,C I=N,P,C A=N,P,C
    E=U,POC,F,H,ND RL=OF,TF,W,U,ND RC=UC,UR,C,ND
    CDP=N,L,LM,MH,H,ND TD=N,L,M,H,ND CR=L,M,H,ND IR=L,M,H,ND AR=L,M,H,ND`),
  base: ['AV', 'AC', 'Au', 'C', 'I', 'A'],
  wholeGroups: [
    ['E', 'RL', 'RC'],
    ['CDP', 'TD', 'CR', 'IR', 'AR'],
  ],
  isOrdered: true,
}

/** CVSS 3.1, section 6; 3.0 has the same. */
export const CVSS_3: CvssGrammar = {
  metrics: metrics(`
    AV=N,A,L,P AC=L,H PR=N,L,H UI=N,R S=U,C C=N,L,H I=N,L,H A=N,L,H
    E=X,U,P,F,H RL=X,O,T,W,U RC=X,U,R,C
    CR=X,L,M,H IR=X,L,M,H AR=X,L,M,H
    MAV=X,N,A,L,P MAC=X,L,H MPR=X,N,L,H MUI=X,N,R MS=X,U,C MC=X,N,L,H MI=X,N,L,H MA=X,N,L,H`),
  base: ['AV', 'AC', 'PR', 'UI', 'S', 'C', 'I', 'A'],
  wholeGroups: [],
  isOrdered: false,
}

/** CVSS 4.0, section 7. */
export const CVSS_4: CvssGrammar = {
  metrics: metrics(`
    AV=N,A,L,P AC=L,H AT=N,P PR=N,L,H UI=N,P,A VC=H,L,N VI=H,L,N VA=H,L,N SC=H,L,N SI=H,L,N SA=H,L,N
    E=X,A,P,U CR=X,H,M,L IR=X,H,M,L AR=X,H,M,L
    MAV=X,N,A,L,P MAC=X,L,H MAT=X,N,P MPR=X,N,L,H MUI=X,N,P,A MVC=X,H,L,N MVI=X,H,L,N MVA=X,H,L,N
    MSC=X,H,L,N MSI=X,S,H,L,N MSA=X,S,H,L,N
    S=X,N,P AU=X,N,Y R=X,A,U,I V=X,D,C RE=X,L,M,H U=X,Clear,Green,Amber,Red`),
  base: ['AV', 'AC', 'AT', 'PR', 'UI', 'VC', 'VI', 'VA', 'SC', 'SI', 'SA'],
  wholeGroups: [],
  isOrdered: true,
}
