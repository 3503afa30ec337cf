/**
 * Legal forms by what kind of company they name, folded as names are. Siblings often differ in nothing else: an "AG" and
 * a "GmbH" of one name are two companies. Data, condensed from rigour's organisation types (opensanctions/rigour, MIT) and
 * cleanco's terms (psolin/cleanco, MIT). "Inc", "Corp" and "Co" say little of the kind and are one of their own.
 */
export type LegalGroup =
  | 'stock'
  | 'limited'
  | 'corporation'
  | 'partnership'
  | 'cooperative'
  | 'association'
  | 'sole'

export const legalGroups: Readonly<Record<LegalGroup, string>> = {
  stock: `
    a spolecnost | aandelenvennootschap | aat | ab | adkritaye aktsiyanernaye tavaristva | adkrytae
    akcyyanernae tavarystva | ag | ag societe anonyme | ags | akc spol | akc spolecnost | akciju
    sabiedriba | akcionarsko drustvo | akciova spolecnost | akciova spolocnost | akg | aksiyadorlik
    jamiyati | akt ges | aktg | aktien ges | aktien gesellschaft | aktienges | aktiengesellschaft |
    aktiengeselschaft | aktieselskab | aktieselskabet | aktsiaselts | aktsionerne tovarystvo |
    aktsionerno druzhestvo | aktsionernoe obschestvo | aktsionernoe obshchestvo | aktsionernoe
    obshchestvo otkrytogo tipa | aktsionerny kommercheskiy bank | allami tulajdonban levo
    reszvenytarsasag | anonim ortaklık | anonim sirket | anonim sirketi | as | atviroji akcine bendrove
    | avatud aktsiaselts | avoin osakeyhtio | aкционерное общество | c por a | cjsc | closed joint stock
    company | closed jsc | comandita por acciones | compania por acciones | cong ty co phan | cpa | cty
    cp | cuideachta comhstoic oscailte | det offentligretlige aktieselskab | dionicko drustvo |
    ednolichno aktsionerno druzhestvo | europaische aktiengesellschaft | europaische gesellschaft |
    evropeysko druzhestvo | eвропеиско дружество | gag | gemeinnutzige ag | gemeinnutzige
    aktiengesellschaft | haao | halka acık anonim ortaklık | j stock company | javna delniska druzba |
    javno dionicko drustvo | javno trgovacko drustvo | jnt stock co | joint stock bank | joint stock co
    | joint stock commercial bank | joint stock compan | joint stock companie | joint stock company |
    joint stock corp | jointstock company | joynt stock company | js co | jsc | jsc company | jscb | jt
    stock co | jtd | julkinen osakeyhtio | jusikhoesa | kaisha | kk | kumpanija bishma kongunti |
    kumpanija bishma kongunti pubblici | n vennootschap | naaml vennootschap | naamloze vennootschap |
    naamlze vennootschap | nv | nyilvanosan mukodo reszvenytarsasag | nyrt | o joint stock co | oaj |
    oao | ochiq aksiyadorlik jamiyati | odkryte akcjonarne obschtschestwo | offene aktiengesellschaft |
    ojsc | open jnt stock co | open joint stock company | open jsc | openbare aandelenvennootschap |
    openbare publiek private vennootschap op aandelen | openbare vennootschap op aandelen | otkr akts
    obshch | otkritoe aktsionernoe obshchestvo | otkrytoe akcionernoe obshchestvo | otkrytoe akcionernoe
    obshhestvo | otkrytoe aktsionernoe obschchestvo | otkrytoe aktsionernoe obschestvo | otkrytoe
    aktsionernoe obshchestvo | otkrytoe aktsionernoye obshestvo | otkrytoje akcionernoje obshchestvo |
    otkrytoye aktsionernoye obshchestvo | otwarta społka akcyjna | oyj | panstwowa społka akcyjna | pao
    | pcl | pjsc | pjscb | pl co | plc | plc company | plc ltd | plcs | pub limited | pub limited co |
    pub lt co | pub ltd co | pubic limited company | publ | publc limited company | publi limited
    company | public co limited | public co ltd | public company limited | public company ltd | public
    joint stock commercial bank | public joint stock company | public jsc | public limitd company |
    public limited | public limited co | public limited company | public limited compnay | public
    limited corporation | public limitied company | public limitted company | public limted company |
    public lmtd company | public lt co | public lt company | public ltd co | public ltd corporation |
    public stock company | public stock company pjsc | publichne aktsionerne tovarystvo | publichnoe
    aktsionernoe obshchestvo | publicly limited company | publicly ltd company | reszvenytarsasag | sa |
    sa de cv | sa pi de cv | sab de cv | saci yf | sacif | sacifi | sacifi ya | sacifia | sacv | sad |
    sadecv | saica | sal | saoc | saog | sapi de cv | sapicv | sarf | sca | sh a | sha | sharikat al
    mossahamah | shoqeri aksionere | shoqeri anonime | soc anon de cap var | soc anon prom de inv de cap
    var | socieda anonima | sociedad anonima | sociedad anonima comercial industrial y financiera |
    sociedad anonima de capital variable | sociedad anonima deportiva | sociedad anonima promotora de
    inversion de capital variable | sociedad limitada por acciones abierta | sociedad por acciones |
    sociedada anonima | sociedade anonima | sociedade por acoes | sociedade por acoes aberta | sociedade
    publica por acoes | sociedades anonimas inscritas de capital abierto | societa anonima | societa per
    azioni | societas europaea | societat anonima | societate anonima | societate pe actiuni |
    societatea pe actiuni | societatea publica pe actiuni | societateare pe actiuni | societe anonyme |
    societe anonyme omanaise close | societe anonyme omanaise generale | societe en commandite par
    actions | societe par actions | societe par actions de regime federal | societe par actions ouverte
    | societe par actions par loi sur les societes par actions | societe publique par actions | spa |
    społka akcyjna | tbk | vennootschap op aandelen | verejna akciova spolecnost | verejna akciova
    spolocnost | vidkrite akcionerne tovaristvo | vidkryte aktsionerne tovarystvo | viesoji akcine
    bendrove | yoaj | yopiq aksiyadorlik jamiyati | zakritaye aktsiyanernaye tavaristva | zakritoe
    aktsionernoe obshchestvo | zakrytae akcyyanernae tavarystva | zakryte akcjonarne obschtschestwo |
    zakrytoe akcionernoe obshchestvo | zakrytoe aktsionernoe obshchestvo | zakrytoe aktsionernoe
    obshhestvo | zakrytoje akcionernoje obshchestvo | zakrytoye aktsionernoye obshchestvo | zao |
    zartkoruen mukodo reszvenytarsasag | zrt | δημοσια συμμετοχικη εταιρεια | аат | ад | адкрытае
    акцыянернае таварыства | акб | акционарско друштво | акционеpное общество откpытого типа |
    акционеное общество закрытого типа | акционерная компания с ограниченнои ответственностью |
    акционерне общество закрытого типа | акционерно дружество | акционерного общества | акционерного
    общества закрытого типа | акционерное обшество закрытого типа | акционерное общество | акционерное
    общество открытого типа | акционерное общество финансово строительная компания | акционерны
    коммерческии банк | акционерные общества | акционерные общества закрытого типа | акционерныи
    комерчески банк | акционерныи комерческии банк | акционерныи коммерческии банк | акционерое общество
    закрытого типа | акционероное общество закрытого типа | акционрное общество закрытого типа |
    акциядорлик жамияти | акцоинерное общество закрытого типа | акцонерное общество закрытого типа |
    акцонерное общество открытого типа | акцыонерныи коммерческии банк | акціонерне товариство |
    акціонерне товариство відкритого типу | акціонернии комерціинии банк | акціонерного товариства | ао
    | ваt | ват | відкрите акціонерне товариство | еад | ед | еднолично акционерно дружество | епиқ
    акциядорлик жамияти | закрите акціонерне товариство | закритое акционерное общество | закрытае
    акцыянернае таварыства | закрытоe акционерное общeство | закрытое акционерное общeство | закрытое
    акционерное общество | закрытое акціонерне товариство | зао | зат | нао | непубличное акционерное
    общество | оао | открытоe акционерное общeство | открытое акционергое общество | открытое
    акционернoe общество | открытое акционерное общeство | открытое акционерное общество | очиқ
    акциядорлик жамияти | пао | пат | приватне акціонерне товариство | публично акционерно дружество |
    публичное акционерное общество | публічне акціонерне товариство | сак | страховая акционер компания
    | страховая акционерная компания | хк | хувьцаат компани | شركة خفية الإسم | شـركـة الـمـسـاهـمـة |
    დახურული სააქციო საზოგადოება | სააქციო საზოგადოება | სს | ሃላፊነቱ የተወሰነ የግል ማህበር | 株式会社 | 股份有限公司 |
    주식회사`,
  limited: `
    3at | ab company oy | amba | andelsselskab med begrænset ansvar | anpartsselskab | aps | asa | b
    vennootschap | berhad | besl vennootschap | besloten vennootschap | besloten vennootschap met
    beperkte aansprakelijkheid | besloten vennotschap | beslotn vennootschap | bhd | bv | bvba | cia |
    cia ltda | co limited | co ltd | coltd | compania | compania anonima | compania limitada | company
    ltd | company oy ab | cong ty trach nhiem huu han | cong ty trach nhiem huu han mot thanh vien | cpt
    | cty tnhh | cty tnhh mtv | cyf | cyfyngedig | dat | dis tic ltd | dmcc | dmcc co | dmcc company |
    dmcc free zone | dmcc llc | dno | dntn | doanh nghiep co von đau tu nuoc ngoai | doanh nghiep tu
    nhan | doo | dooel | drujestvo s ogranichena otgovornost | drustv ogranic odgovor | drustveno
    preduzece | drustvo ogranicene odgovornosti | drustvo s neogranicenom solidarnom odgovornoscu |
    drustvo s ogranicenom odgovornoscu | drustvo sa ogranicenom odgovornoscu | druzba z omejeno
    odgovornostjo | druzestvo s ogranicena otgovornost | druzhestvo s ogranichena otgovornost | dtnn |
    dubai multi commodities centre | dubai multi commodities centre company | ednolichno druzhestvo s
    ogranichena otgovornost | eenpersoons bvba | ehf | einkahlutafelag | eireli | eirl | empresa
    individual de responsabilidad limitada | empresa individual de responsabilidade limitada |
    entreprise unipersonnelle a responsabilite limitee | eurl | exploitation agricole a responsabilite
    limitee | foreign limited liability company | free economic zone llc | free zone co | free zone
    company | free zone enterprise | free zone entity | free zone establishment | free zone limited
    liability company | free zone llc | freezone company | fz co | fz enterprise | fz entity | fz
    establishment | fz llc | fzco | fze | fzllc | gemeinnutzige gesellschaft mit beschrankter haftung |
    gemeinnutzige gmbh | gemeinnutzige ug | gemeinnutzige ug haftungsbeschrankt | gemeinnutzige
    unternehmergesellschaft | gemeinnutzige unternehmergesellschaft haftungsbeschrankt | ges mbh | ges
    mit besch haftung | ges mit beschr haftung | gesellsch mbh | gesellschaft mbh | gesellschaft mit
    besch haftung | gesellschaft mit beschr haftung | gesellschaft mit beschraenker haftung |
    gesellschaft mit beschraenkter haftung | gesellschaft mit beschrankter haftng | gesellschaft mit
    beschrankter haftung | gesmbh | ggmbh | gk | gm besch haftung | gm beschr haftung | gmb h | gmbh |
    gmbhs | gug | gug haftungsbeschrankt | hlutafelag | incorp | incorporado | incorporatd |
    incorporation | incorporee | incorported | incs | intreprinderea cu responsabilitate limitata | ivs
    | iværksætterselskab | jdoo | jednostavno drustvo s ogranicenom odgovornoscu | kft | kft fioktelep |
    korlatolt felelossegu tarsasag | korlatolt felelossegu tarsasag organizacni slozka | kulfoldi
    szekhelyu vallalkozas fioktelepe | lda | limitada | limitd | limitd liability co | limite | limited
    | limited by guarantee | limited by shares | limited co | limited company | limited liab co |
    limited liability co | limited liability comp | limited liability company | limited liability corp |
    limited liability corporation | limited sirket | limited sirketi | limited sti | limitee | limted |
    limted liability co | llc | llc fz | llcs | lmtd | lmtd liability company | lt liability company |
    ltd | ltd co | ltd liab company | ltd liability co | ltd liability comp | ltd liability company |
    ltd sti | ltda | ltds | masuliyati cheklangan jamiyat | mbh | mchj | mit besch haftung | mit beschr
    haftung | mit beschrankter haftung | mmc | məhdud məsuliyyətli cəmiyyət | obshchestvo s
    dopolnitelnoj otvetstvennostyu | obshchestvo s ogranichennoi otvetstvennostiu | obshchestvo s
    ogranichennoi otvetstvennostyu | obshchestvo s ogranichennoj otvetstvennostyu | obshchestvo s
    ogranichennoy otvetstvennostyu | obshchestvo s ohranychennoi otvetstvennostiu | ood | ooo | ortacko
    drustvo | osakeyhtio | oy | oy company ab | oсoo | pllc | private company with limited liability |
    private limited company | private limited liability company | professional limited liability company
    | proprietary limited | proprietary limited company | proprietary ltd | pryvatne pidpryyemstvo | pte
    | pte ltd | pty limited | pty ltd | ribotos atsakomybes bendrove | s de rl | s de rl de cv | s ie |
    s par as | sabiedriba ar ierobezotu atbildibu | sabiratelno druzhestvo sd sadruzhie | sae | sarl |
    sas | sasu | scc | sd s ie | sdn bhd | selskab med begrænset ansvar | sendirian berhad | sh pk |
    shoqeri me pergjegjesi te kufizuar | shpk | sia | sicietatea de raspundere limitata | single member
    private limited company | sirketi | sl | sll | slne | smba | soc a resp limitata | soc a resp
    limitee | soc a responsab limitee | soc par actions simplifiee | soc resp limitada | sociedad de
    responsabilidad limitada | sociedad de responsabilidad limitada de capital variable | sociedad
    limitada laboral | sociedad limitada nueva empresa | sociedad por acciones simplificada | sociedada
    limitada | sociedade limitada | sociedades por acciones simplificada | societa a responsabilita
    limitata | societata cu raspundere limitata | societate cu rasponbilitate limitata | societate cu
    raspundere limitata | societate cu raspundre limitata | societate cu responsabilitate limiiata |
    societate cu responsabilitate limitata | societatea cu rasdpundere limitata | societatea cu
    rasponsabilitate limitata | societatea cu raspundere | societatea cu raspundere limitata |
    societatea cu raspundere limitate | societatea cu responsabilitate limitata | societatea cu
    responsabilitatea limitata | societatea cu respundere limitata | societatii cu raspunderea limitata
    | societe a responsabilite limitee | societe actions simplifiee | societe commerciale canadienne |
    societe par actions simplifiee | societe privee a responsabilite limitee | societe privee a
    responsabilite limitee unipersonnelle | societete cu raspundere limitata | socitate cu
    responsabilitate limitata | sp z ogr odp | sp z oo | sp z oo sp k | sp zoo | special economic zone
    llc | spol s ro | spol s ruc omez | spol sro | spolecnost s rucenim omezenym | spolka z ogr odpow |
    spolka z ograniczona odpowiedzialnoscia | spolocnost s rucenim obmedzenym | społka z ograniczona
    odpowiedzialnoscia | społka z oo | społka z oo sp k | sprl | spz oo | spzoo | srl | srlcv | sro |
    sti | suarl | tapui | tavaristva z abmezhavanaj adkaznastsiu | tavarystva z abmezhavanaj adkaznascyu
    | tavarystva z abmezhavanay adkaznastsyu | tavarystva z dadatkovaj adkaznascyu | teo | tov |
    tovarystvo z obmezhenoiu vidpovidalnistiu | tovarystvo z obmezhenoyu vidpovidalnistyu | trade free
    zone company | uab | ug | ug haftungsbeschr | ug haftungsbeschrankt | ug hb | unternehmerg |
    unternehmerges | unternehmerges haftungsbeschrankt | unternehmergesellschaft |
    unternehmergesellschaft haftungsbeschrankt | uzdaroji akcine bendrove | uzdarosios akcines bendroves
    | vat | vennootschap met beperkte aansprakelijkheid | yk | yuhanhoesa | zat | εpε | επε | εταιρια
    περιορισμενης ευθυνης | гмбх | дззд | доо | дп | дружество с ограничена отговорност | дружество
    учредено по закона за задълженията и договорите | друштвено предузеће | друштво са ограниченом
    одговорношћу | еднолично дружество с ограничена отговорност | еоод | иностранное общество с
    ограниченнои ответственностью | компания с ограниченнои ответственностью | ликвидационная комиссия
    ооо | лимитед | лтд | лімітед | масъулияти чекланган жамият | мчж | обшество с ограниченнои
    ответственностью | общесиво с ограниченнои ответственностью | общества с ограниченнои
    ответственностью | обществл с ограниченнои ответственностью | общество c ограниченнои
    ответственностью | общество ограниченнои ответственности | общество с гораниченнои ответственностью
    | общество с граниченнои ответственностью | общество с дополнительнои ответственностью | общество с
    огpаниченнои ответственностью | общество с оганиченнои ответственностью | общество с огарниченнои
    ответственностью | общество с огра ниченнои ответственностью | общество с ограгиченнои
    ответственностью | общество с ограгниченнои ответственностью | общество с ограинченнои
    ответственностью | общество с ограиченнои ответственностью | общество с огрангиченнои
    ответственностью | общество с огранеченнои ответственностью | общество с ограниеннои
    ответственностью | общество с огранисеннои ответственностью | общество с огранисченнои
    ответственностью | общество с ограничееенои ответственностью | общество с ограничеенои
    ответственностью | общество с ограниченнио ответственностью | общество с ограниченннои
    ответственностью | общество с ограниченнои лтветственностью | общество с ограниченнои
    оветственностью | общество с ограниченнои овтетственностью | общество с ограниченнои
    огтветственностью | общество с ограниченнои олтветственностью | общество с ограниченнои
    осветственностью | общество с ограниченнои от | общество с ограниченнои отаетственностью | общество
    с ограниченнои отвеетственностью | общество с ограниченнои отвенственностью | общество с
    ограниченнои отвентственностью | общество с ограниченнои отвественностью | общество с ограниченнои
    отвествтеннсотью | общество с ограниченнои отвесттвенностью | общество с ограниченнои ответвенностью
    | общество с ограниченнои ответветственностью | общество с ограниченнои ответвтвенностью | общество
    с ограниченнои ответвтсенностью | общество с ограниченнои ответсвенноссть | общество с ограниченнои
    ответсвенностью | общество с ограниченнои ответсственностью | общество с ограниченнои
    ответствеенностью | общество с ограниченнои ответствееностью | общество с ограниченнои
    ответствекнностью | общество с ограниченнои ответствененостью | общество с ограниченнои
    ответственнностью | общество с ограниченнои ответственновстью | общество с ограниченнои
    ответственновтью | общество с ограниченнои ответственногстью | общество с ограниченнои ответственнои
    | общество с ограниченнои ответственнолтью | общество с ограниченнои ответственномтью | общество с
    ограниченнои ответственноостью | общество с ограниченнои ответственности | общество с ограниченнои
    ответственностиью | общество с ограниченнои ответственносттью | общество с ограниченнои
    ответственность | общество с ограниченнои ответственностьб | общество с ограниченнои
    ответственностьтью | общество с ограниченнои ответственностью | общество с ограниченнои
    ответственностью торговыи дом | общество с ограниченнои ответственностью фирма | общество с
    ограниченнои ответственностьюб | общество с ограниченнои ответственностьюв | общество с ограниченнои
    ответственностьюи | общество с ограниченнои ответственностьюм | общество с ограниченнои
    ответственностьют | общество с ограниченнои ответственностю | общество с ограниченнои
    ответственносьтю | общество с ограниченнои ответственносью | общество с ограниченнои
    ответственнотсью | общество с ограниченнои ответственнотью | общество с ограниченнои
    ответственночтью | общество с ограниченнои ответственнростью | общество с ограниченнои
    ответственнсотью | общество с ограниченнои ответственнстью | общество с ограниченнои
    ответственонстью | общество с ограниченнои ответственоость | общество с ограниченнои
    ответственоостью | общество с ограниченнои ответственосстью | общество с ограниченнои
    ответственостью | общество с ограниченнои ответстветностью | общество с ограниченнои
    ответстветсвенностью | общество с ограниченнои ответстветственностью | общество с ограниченнои
    ответствнностью | общество с ограниченнои ответствтенностью | общество с ограниченнои
    ответствуенностью | общество с ограниченнои ответстенностью | общество с ограниченнои
    ответстсвееностью | общество с ограниченнои ответстсвенностью | общество с ограниченнои
    ответстственностью | общество с ограниченнои ответтственностью | общество с ограниченнои
    ответчтвенностью | общество с ограниченнои отвнтственностью | общество с ограниченнои
    отвтетсвенностью | общество с ограниченнои отвуетственностью | общество с ограниченнои
    отевтственностью | общество с ограниченнои отетвенностью | общество с ограниченнои отетственностью |
    общество с ограниченнои отсетственностью | общество с ограниченнои товетственностью | общество с
    ограниченнри ответственностью | общество с ограниченои ответствееностью | общество с ограниченои
    ответственностью | общество с ограниченои ответственостью | общество с ограниченоои ответственностью
    | общество с ограничиннои ответственностью | общество с ограничннои отвественностью | общество с
    ограничннои ответственностью | общество с ограничннои ответствнностью | общество с ограничуннои
    ответственностью | общество с огранмченнои ответственностью | общество с огранниченнои
    ответственностью | общество с огрантченнои ответственностью | общество с огранченнои
    ответственностью | общество с огранчиченнои ответственностью | общество с огрвниченнои
    ответственностью | общество с огрнаиченнои ответственностью | общество с огрнаниченнои
    ответственностью | общество с огрниченнои ответственностью | общество с огрниченнои отственностью |
    общество с огрониченнои ответственностью | общество с огрораниченнои ответственностью | общество с
    огрраниченнои ответственностью | общество с ораниченнои ответственностью | общество с органиченнои
    ответственновстью | общество с органиченнои ответственностью | общество с орграниченнои
    ответственностью | общество с отраниченнои ответственностью | общество сограниченнои
    ответственностью | общество сограниченои ответственностью | общество ст ограниченнои
    ответственностью | обществог с ограниченнои отвественностью | обществоь с ограниченнои
    ответственностью | обществр с ограниченнои ответственностью | од | одо | оод | ооо | ортачко друштво
    | с ие | сд | сиа | събирателно дружество | събирателно дружество сд съдружие | таа | таварыства з
    абмежаванаи адказнасцю | таварыства з дадатковаи адказнасцю | тда | тзов | тов | товариство з
    обмеженою відповідальністю | ххк | хязгаарлагдмал хариуцлагатаи компани | частная компания с
    ответственностью | частная компания с ответственностью ограниченнои акциями | בע מ | المحدودة |
    المساهمة المحدودة | ش ركة ذات مسؤولي ات محدودة شمم | ش ركة فردية ذات مسؤولي ات محدودة | შეზღუდული
    პასუხისმგებლობის საზოგადოება | შპს | 合同会社 | 有限 | 有限会社 | 有限公司 | 유한회사`,
  corporation: `
    and co | co | company | corp | corporation | et cie | inc | incorporated | nuf`,
  partnership: `
    a spol | ag and co kg | ag and co kgaa | ag und co kg | agcokg | agcokgaa | aktiengesellschaft and
    co kg | aktiengesellschaft and co kgaa | ans | avoin yhtio | beteti tarsasag | bgb gesellschaft | bv
    and co kg | bvcokg | comandita simple | comm v | comm va | commanditaire vennootschap |
    commanditaire vennootschap op aandelen | cv | cva | e gbr | eg and co kg | egbr | egcokg | egyszeru
    tarsasag | eingetragene gbr | eingetragene genossenschaft and co kg | eingetragene gesellschaft
    burgerlichen rechts | eingetragene gesellschaft des burgerlichen rechts | europaische gesellschaft
    and co kg | europaische gesellschaft and co kgaa | gbr | general partnership | genossenschaft and co
    kg | ges bur rechts | ges burgerlichen rechts | gesbr | gesellschaft burgerlichen rechts |
    gesellschaft des burgerlichen rechts | gesellschaft mbh and co kg | gesellschaft mit beschrankter
    haftung and co kg | gesellschaft mit beschrankter haftung and co kgaa | gesellschaft mit
    beschrankter haftung and co ohg | gewone commanditaire vennootschap | gmbh and co | gmbh and co kg |
    gmbh and co kgaa | gmbh and co ohg | gmbh and сo kg | gmbh u co kg | gmbh und co kg | gmbhcokg |
    gmbhcokgaa | gmbhcoohg | hb | ilp | incorporated limited partnership | kb | kda | keg | kg | kgaa |
    kkt | kolektif sirket | koll sti | kom sti | komandit sirket | komanditna spolocnost | komanditni
    spolecnost | komanditno drustvo | komanditno druzhestvo | komanditno druzhestvo s aktsii |
    komanditno druzhestvo s aktsiyami | komanditsabiedriba | kommandiittiyhtio | kommandit gesellschaft
    | kommanditbolag | kommanditerwerbsgesellschaft | kommanditgesellschaft | kommanditgesellschaft auf
    aktien | kommanditselskab | kozkereseti tarsasag | ky | limited and co kg | limited liability
    partnership | limited ortaklık | limited partnership | lllp | llp | lp | ltd and co kg | ltdcokg |
    mbb | mbh and co kg | mbh u co kg | offene handels gesellschaft | offene handelsgesellschaft | og |
    ohg | part g | part g mbb | part mbb | partg | partg mbb | partgmbb | partmbb | partnerschaft |
    partnerschaft mbb | partnerschaft mit beschrankter berufshaftung | partnerschaftsgesellschaft |
    partnerschaftsgesellschaft mbb | partnerschaftsgesellschaft mit beschrankter berufshaftung | pt | s
    cra | s en c | sameignarfelag | sapa | sce i | scei | scpa | scra | scs | se and co kg | se and co
    kgaa | secokg | secokgaa | secs | sh k | shk | shoqeri komandite | ska | snc | snt | soc col |
    sociedad colectiva | sociedad comanditaria | sociedad de capital e industria | sociedad en comandita
    por acciones | sociedad en comandita simple | societa in accomandita per azioni | societas europaea
    and co kg | societas europaea and co kgaa | societatea comerciala | societe en commandite simple |
    societe en nom collectif | sp j | sp k | sp p | społka komandytowa | stg | stiftung and co kg |
    stiftung and co kgaa | stiftung und co kg | stiftungcokg | stiftungcokgaa | taisuhing | tokumei
    kumiai | ug and co kg | ug and co ohg | ug haftungsbeschrankt and co kg | ug haftungsbeschrankt and
    co ohg | ugcokg | ugcoohg | unternehmergesellschaft and co kg | unternehmergesellschaft
    haftungsbeschrankt and co kg | usaldusuhing | vea obch spol | гмбх енд ко кг | кд | кда | командитно
    дружество | командитно дружество с акции | командитно друштво | лп | ооп | партнерство с
    ограниченнои ответственностью | полное товарищество | пт | садоводческое некоммерческое товарищество
    | товарищество с ограниченнои ответственностью | тоо | አክሲዩን ማህበር | 兩合公司 | 匿名組合 | 合名会社 | 合資会社 |
    有限責任事業組合`,
  cooperative: `
    andelslag | andelslag med begrænset ansvar | anl | co op | cooperatieve vennootschap met beperkte
    aansprakelijkheid | cooperatieve vennootschap met onbeperkte aansprakelijkheid | cooperatif |
    cooperation | cvba | cvoa | economisch samenwerkingsverband | eeig | ege | egen | eingetragene
    genossenschaft | ek for | ekd | ekfor | ekonomisk forening | erdeszeti tarsulas | esv | ets |
    europai gazdasagi egyesules | europaische genossenschaft | europaische wirtschaftliche
    interessenvereinigung | european economic interest grouping | evropeysko kooperativno druzhestvo |
    evropeysko obedinenie po ikonomicheski interesi | ewiv | eвропеиско кооперативно дружество |
    genossenschaft | gensidigt selskab | gie | gospodarsko interesno udruzenje | groupement dinteret
    economique | hop tac xa | htx | koop | kooperatif | kooperatif sirket | kooperatsia | sce | scop |
    sem | sgr | sociedad cooperativa | sociedad de garantia reciproca | societas cooperativa europaea |
    societe cooperative de production | societe deconomie mixte | societe en participation | społdzielni
    | szov | szovetkezet | versicherungsverein ag | versicherungsverein auf gegenseitigkeit | vvag |
    европеиско обединение по икономически интереси | екд | еоии | кооператив | кооперация | пк | пкооп |
    потребительскии кооператив | производственныи кооператив | сельскохозяиственныи производственныи
    кооператив | спк | ህብረት ስራ ማህበራት`,
  association: `
    acıq səhmdar cəmiyyəti | alap | anpo | asbl | asc | association internationale sans but lucratif |
    association sans but lucratif | autonomous non profit organization | avtonomnaja nekommerceskaja
    organizacija | avtonomnaya nekommercheskaya organizatsiya | blagotvoritelnaja organizacija |
    blagotvoritelnaya organizatsiya | blagotvoritelny fond | blagotvoritelnyj fond | blagotvoritelnyy
    fond | blahodiyna orhanizatsiya | blahodiynyy fond | blahodіjna orhanіzacіja | blahodіjnyj fond |
    charitable fund | charitable organisation | charitable organization | charity fund | cic | civil
    society organisation | civil society organization | community interest company | cso | dabrachynnaya
    arhanizatsyya | dabrachynny fond | dabracynnaja arhanizacyja | dabracynny fond | eingetr verein |
    eingetragene vereinigung | eingetragener verein | gemeinnutzige stiftung | hramadskae abjadnanne |
    hramadskaja arhanizacyja | hramadskaya arhanizatsyya | hramadskaye abyadnanne | hromadska
    orhanizacija | hromadska orhanizatsiya | hromadske objednannja | hromadske obyednannya |
    internationale vereniging zonder winstoogmerk | ivzw | kht | kozhasznu tarsasag | mimovladna
    organizacia | mtu | nederzavna orhanizacija | nederzhavna orhanizatsiya | nedzarzaunaja arhanizacyja
    | nedziarzhaunaya arhanizatsyya | nedzjarzhaunaja arhanizacyja | nekomercіjna orhanіzacіja |
    nekomertsiyna orhanizatsiya | nekommerceskaja organizacija | nekommerceskaya organizatsiya |
    nekommercheskaya organizaciya | nekommercheskaya organizatsiya | nekommercheskaya organizatsiya fond
    | neurjadova orhanizacija | neuryadova orhanizatsiya | nevladina organizacija | nevladine
    organizacije | nevladni organizace | ngo | niegovorni organizaciji | niet gouvernementele
    organisatie | non government organisation | non governmental organisation | non governmental
    organization | non profit | non profit organisation | non profit organization | nonprofit
    organization | npo | obcanske sdruzeni | obecne prospesna spolecnost | obscestvennaja organizacija |
    obscestvennoe obedinenie | obscestvennyj fond | obschestvennaya organizatsiya | obschestvennoe
    obyedinenie | obshchestvennaya organizatsiya | obshchestvennoye obyedineniye | obshchestvennyy fond
    | ong | ops | organisation non gouvernementale | organizacao da sociedade civil de interesse publico
    | organizacao nao governamental | organizacion no gubernamental | organizacja pozarzadowa |
    organizatia neguvernamentala | organizatia societatii civile | organizzazione non governativa |
    professional association | rechtsf stiftung | rechtsfahige stiftung | registrerad forening |
    rekisteroity yhdistys | rekisteroity yhdistys ry | spf | stichting particulier fonds | stiftung des
    burgerlichen rechts | stiftung des offentlichen rechts | vereinigung ohne gewinnerzielungsabsicht |
    vereniging zonder winstoogmerk | vog | volonterska orhanizacija | volonterska orhanizatsiya | vzw |
    zapsany spolek | автономная некоммерческая организация | ано | благодіина організація | благодіинии
    фонд | благотворительная организация | благотворительныи фонд | бо | бф | во | волонтерська
    організація | га | го | грамадскае абяднанне | грамадская арганізацыя | громадська організація |
    громадське обєднання | да | дабрачынная арганізацыя | дабрачынны фонд | дф | местная общественная
    организация | моо | моо ппо | моо ппо гуп | нда | ндо | негосударственная некоммерческая организация
    | негосударственная организация | недержавна організація | недзяржауная арганізацыя | некомерціина
    організація | некоммерческая организация | некоммерческая организация фонд | некоммерческое
    партнерство | неурядова організація | нко | но | ноу дпо | нп | нуо | областная общественная
    организация | обо | общественная организация | общественное объединение | общественныи фонд | оо |
    организация научного обслуживания и социальнои сферы | оф | тбб | төриин бус баигууллага | منظمة غير
    حكومية | نمم`,
  sole: `
    e kfm | e kfr | ednolichen targovets | egyeni ceg | egyeni vallalkozo | eingetr kaufmann |
    eingetragene kauffrau | eingetragener kaufmann | eingetragenes einzelunternehmen | ekfm | ekfr |
    empresa unipersonal | entreprise individuelle | fie | fop | inteprinderea individuala |
    interprinderea individuala | intreprindera individuala | intreprindere individuala | intreprinderea
    ibdividuala | intreprinderea individuala | intreprinderea individuali | intreprinderea indiviuala |
    intreprindserea individuala | intreprinzator individual | intreprinzatorul individual | kfm | kfr |
    obiteljsko poljoprivredno gospodarstvo | obrt | oilaviy korxona | opg | private enterprise |
    pryvatne pidpryiemstvo | pup | samostalni preduzetnik | sau | sociedad anonima unipersonal | sole
    proprietorship | spd | statni podnik | t mi | tmi | ultd | unlimited | unlimited company | unlimited
    proprietary | unltd | vennootschap onder firma | verejna obchodni spolecnost | vof | vos | едноличен
    търговец | ет | индивидуальныи предприниматель | ип | оилавии корхона | пп | приватне підприємство |
    прыватнае унітарнае прадпрыемства | пуп | спд | субъект предпринимательскои деятельности | субєкт
    підприємницькоі діяльності | физическое лицо предприниматель | фоп | фізична особа підприємець |
    індывідуальны прадпрымальнік | іп | 無限公司`,
}
