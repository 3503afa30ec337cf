/**
 * Legal forms of companies as they are written, by language. They are compared word by word after the same folding as
 * the name itself, so dots, case and accents do not matter. What is also an everyday word at the end of a name (such as
 * "Unlimited" or "PC") is left out on purpose: a lost word makes two companies one.
 */
export const trailingForms: readonly string[] = [
  // English
  ...forms(`
    Ltd | Limited | Co Ltd | Ltd Co | Company Ltd | Company Limited | Co Limited | LLC | Ltd Liability Co |
    Limited Liability Company | LLP | Limited Liability Partnership | LP | Limited Partnership | LLLP | PLLC |
    PLC | Public Limited Company | Inc | Incorporated | Corp | Corporation | Co Inc | Company Inc | Co |
    Company | & Co | & Company | & Co Ltd | & Company Ltd | & Co Inc | and | CIC | DAC | CLG | ULC | Pty |
    Pty Ltd | (Pty) Ltd | Proprietary Limited | Pvt | Pvt Ltd | Private Limited | OPC Pvt Ltd | Pte |
    Pte Ltd | Sdn Bhd | Bhd | Berhad | PCL | Public Company Limited | SOC Ltd | NPC`),
  // Gulf
  ...forms(`
    WLL | FZE | FZC | FZCO | FZ LLC | FZ-LLC | PJSC | QSC | QPSC | KSC | KSCC | BSC | SAOG | SAOC`),
  // German
  ...forms(`
    GmbH | gGmbH | mbH | Ges.m.b.H. | Gesellschaft mbH | Gesellschaft mit beschränkter Haftung | GmbH i.L. |
    GmbH & Co. KG | GmbH & Co. KGaA | GmbH & Co. OHG | mbH & Co. KG | AG | Aktiengesellschaft | AG & Co. KG |
    AG & Co. KGaA | SE | SE & Co. KG | SE & Co. KGaA | KG | KGaA | Kommanditgesellschaft | & Co. KG | OHG |
    & Co. OHG | OG | UG | UG (haftungsbeschränkt) | UG & Co. KG | UG (haftungsbeschränkt) & Co. KG | GbR |
    e.K. | e.Kfm. | e.Kfr. | e.V. | e.U. | eG | PartG | PartG mbB | PartGmbB | VVaG | AöR`),
  // French
  ...forms(`
    SA | SAS | SASU | SARL | Sàrl | EURL | SNC | SCA | SCS | SCI | SELARL | SELAS | GIE | SPRL | SRL |
    Société Anonyme | Société par actions simplifiée | Société à responsabilité limitée | & Cie | et Cie |
    Ltée | Limitée | Inc/Ltée | ASBL`),
  // Dutch
  ...forms(`
    BV | NV | VOF | CV | BVBA | CVBA | VZW | Coöperatie U.A. | U.A. | BV/SRL | NV/SA | SA/NV |
    Besloten Vennootschap | Naamloze Vennootschap`),
  // Spanish and Portuguese
  ...forms(`
    SL | SLU | SLP | SAU | SLL | SLNE | S. Coop. | SCCL | Sociedad Anónima | Sociedad Limitada | SAC |
    S.A. de C.V. | S. de R.L. | S. de R.L. de C.V. | S.R.L. de C.V. | S.A.P.I. de C.V. | S.A.B. de C.V. |
    S.A.S. de C.V. | S.A. E.S.P. | S.A.S. E.S.P. | EIRL | Ltda | Limitada | Ltda ME | Ltda EPP | S/A |
    EIRELI | Lda | Unipessoal Lda | SGPS | SGPS S.A. | Cia Ltda`),
  // Italian
  ...forms(`
    SpA | S.r.l. | S.r.l.s. | S.a.s. | S.n.c. | S.a.p.a. | S.c.a.r.l. | S.c.r.l. | S.c.p.A. | Soc. Coop. |
    Società per azioni | Società a responsabilità limitata | Unipersonale | S.r.l. Unipersonale`),
  // Nordic
  ...forms(`
    AB | AB (publ) | Aktiebolag | HB | KB | Oy | Oyj | Oy Ab | Ky | Tmi | A/S | ApS | I/S | K/S | P/S | IVS |
    AMBA | AS | ASA | ANS | NUF | ehf | hf | ohf | Aktieselskab | Anpartsselskab | Osakeyhtiö`),
  // Polish, Czech, Slovak, Hungarian, Romanian
  ...forms(`
    Sp. z o.o. | Sp. z o. o. | Sp. zoo | Spółka z o.o. | Spółka z ograniczoną odpowiedzialnością |
    Sp. z o.o. sp. k. | Sp. z o.o. sp. j. | Sp. k. | Sp. j. | S.K.A. | Spółka Akcyjna | P.S.A. | s.r.o. |
    spol. s r.o. | spol. s r. o. | a.s. | v.o.s. | k.s. | Kft | Zrt | Nyrt | Bt | Kkt | SRL-D`),
  // South Slavic, Baltic
  ...forms(`
    d.o.o. | j.d.o.o. | d.d. | a.d. | d.n.o. | k.d. | EOOD | OOD | EAD | ЕООД | ООД | ЕАД | АД | UAB | MB |
    SIA | OÜ | VšĮ`),
  // Russian, Ukrainian and neighbours, in both scripts
  ...forms(`
    OOO | ООО | ZAO | ЗАО | OAO | ОАО | PAO | ПАО | АО | НАО | ИП | TOV | ТОВ | ТОО | ПрАТ | ПАТ | JSC |
    CJSC | OJSC | Joint Stock Company | Joint-Stock Co`),
  // Turkish, Greek, Hebrew
  ...forms(`
    A.Ş. | Anonim Şirketi | Ltd. Şti. | Limited Şirketi | San. ve Tic. A.Ş. | Sanayi ve Ticaret A.Ş. |
    San. ve Tic. Ltd. Şti. | Sanayi ve Ticaret Ltd. Şti. | Tic. Ltd. Şti. | Tic. A.Ş. | Α.Ε. | Ε.Π.Ε. |
    Ι.Κ.Ε. | Ο.Ε. | Ε.Ε. | EPE | בע"מ`),
  // Japanese and Indonesian in Latin letters
  ...forms(`
    KK | Kabushiki Kaisha | Kabushiki Gaisha | GK | Godo Kaisha | YK | Yugen Kaisha | Tbk | PT | (株) | (有) |
    (주)`),
]

/** Forms (and the article) that stand in front of a name. */
export const leadingForms: readonly string[] = forms(`
  The | PT | OOO | ООО | ZAO | ЗАО | OAO | ОАО | PAO | ПАО | АО | НАО | ИП | TOV | ТОВ | ТОО | ПрАТ | ПАТ |
  UAB | Oy | (株) | (有) | (주)`)

/** Forms that are written without a space at either end of the name, folded; longer ones first. */
export const affixedForms: readonly string[] = forms(`
  股份有限公司 | 有限责任公司 | 有限責任公司 | 有限公司 | 株式会社 | 有限会社 | 合同会社 | 合資会社 | 合名会社 | 주식회사 | 유한회사`)

function forms(text: string): string[] {
  return text.split('|').map((form) => form.trim())
}
