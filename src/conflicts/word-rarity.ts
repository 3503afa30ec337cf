/**
 * How often words stand in names of companies, counted once in 23,605 public ones: names of listed companies
 * (JerBouma/FinanceDatabase, MIT) and of filers with the SEC (jadchaar/sec-cik-mapper, MIT). Data.
 */
const namesCounted = 23605

/** Words that stand in at least so many names. */
const frequent: readonly (readonly [count: number, words: string])[] = [
  [
    1500,
    `
    group holding`,
  ],
  [
    800,
    `
    technology`,
  ],
  [
    400,
    `
    energy industry international pharmaceutical resource`,
  ],
  [
    200,
    `
    acquisition bancorporation bank capital financial fund global gold income investment therapeutic trust`,
  ],
  [
    100,
    `
    chemical china development electric electronic enterprise estate food health india material medical
    metal mineral mining new power property real science service shanghai shenzhen solution system ve
    zhejiang`,
  ],
  [
    50,
    `
    american asset beijing bio bioscience blackrock brand communication company construction digital
    education engineering entertainment equipment exploration finance first gas green guangdong healthcare
    high hotel insurance jiangsu laboratory life logistics management manufacturing media municipal
    national oil partner product realty reit sanayi security silver software steel ticaret united venture
    yatirim`,
  ],
  [
    25,
    `
    advanced ai air america anhui asia automotive banco biopharma biotech biotechnology blue care cayman
    cement central city commercial copper credit data eaton environmental equity etf general golden growth
    guangzhou hangzhou home information infrastructure intelligent interactive invesco iron japan land
    lithium machinery marine mine motor mountain natural network ningbo nippon north nuveen opportunities
    ortakligi pacific paper participacoes petroleum precision quality resorts retail royalty scientific
    semiconductor shandong sichuan smart socimi southern star stock strategic sun taiwan telecommunication
    thai transport us water western world`,
  ],
  [
    12,
    `
    abrdn agriculture agro airlines al alliance alpha applied asian australia auto automation aviation
    bankshares beverage biologics biomedical biotherapeutics bitcoin black bond brasil brookfield brother
    building business cable california canada canadian cannabis cap center century chain chengdu chongqing
    clean coal cohen commerce communities community companhia computer consumer cooperative core crown
    culture db design deutsche diagnostics diamond direct diversified dividend drilling dynamic eagle east
    eastern eco empire empreendimentos environment express fashion federal fi fintech focus franklin free
    fujian future gaming gayrimenkul glass grand grayscale great heavy henan hf hi homes hong horizon
    hospitality house hunan hyundai imaging immobilien in innovation innovations institute instrument
    integrated invest investors israel james jaya john joint king kogyo korea leasing liberty lifesciences
    line lion living machine maritime markets md medicine micro microelectronics mills mobile mortgage
    multi nanjing nano net next nihon nl nordic northern nusantara ocean office on oncology one
    opportunity optoelectronics oriental packaging park parts petrochemical pimco planet plus point port
    preferred premier prime protection public qingdao qpsc railway rate red research residential river
    road rock royal rubber saint sanayii saudi select senior shanxi shipping singapore societe solar
    sparebank special sports standard storage strategies street sugar supply suzhou tax term textile
    thailand tianjin titan tokyo top total tourism trading travel union universal uranium usa utilities
    valley value vance vision wellness west wireless works worldwide wuxi xiamen xinjiang yield york`,
  ],
  [
    6,
    `
    3d abadi access advance advantage aeon aerospace african agri agricultural airport airways all allied
    allocation alternative aluminium aluminum americas animal apartment apollo ares argentina argo armada
    arrow asahi assets associates atlantic atlas aurora australian automobile banca bangkok bankasi
    banking battery bay bdc beauty best better beyond bharat big biological biomed biopharmaceuticals bird
    blackstone blockchain bny boston brewery bridge bright builders calamos can carbon cash castle
    catalyst celik cell centers ch chile cimento citizens citra clear cloud cn coca coffee cola columbia
    comercio commodities commodity compagnie compania compass composites consolidated constellation
    consulting container control controls convertible corporacion corporate cosmetics country creative
    creek critical crypto cti cultural currencyshares cyber decoration defense delta department developers
    devices discovery display distribution dollar dominion dong dr dragon duration dynamics earth
    educational el element emerging emperor empresas energetica enerji enhanced entergy esports estates
    ethereum euro europe european evergreen exchange expressway fabrikalari factory far farmers farms fast
    fastigheter fiber fibra fidelity film financiere fine floating fonciere formosa fortune fox freehold
    fs fu fuel fuels fuji gabelli galaxy games garden generation genetics genomics gida good grade granite
    grid guangxi guizhou gujarat gulf hainan hancock harbin hebei heritage hill hospital housing hubei
    hudson hwa impact imperial indah index indian indo industri industrias infra ingredients inner
    innovative integra intelligence inter intermediate internet investama ishares island islands
    isletmeleri it jiangxi jilin jindal johnson kantonalbank kawasaki kong koninklijke lake landscape leaf
    lease leasehold lee leisure lending lestari lg li liaoning lifestyle lighting link live lng long ma
    machines makmur managed market martin max mechanical medicines mega mellon menkul merchants merger
    meridian metro mexico mfs mi mid midstream mind minera ming mitsubishi mitsui mobility modern mongolia
    morgan motors multimedia muniyield music neurosciences nevada nexpoint nice nickel ningxia nissin no
    noble northwest nova ny oak offshore oh old omega online open optical optics optoelectronic optronics
    ore orient origin orion outdoor overseas oxford pa pan paramount peak penn peoples performance persero
    phoenix photonics physical pioneer pipe place plains planning plant plastic plastics platinum poly
    polymer portfolio precious premium prima private pro projects prosperity publishing qatar quantum
    quest rail rare re regional reliance renewable renewables restaurant restaurants return revolution rf
    ridge rio rivernorth robotics royalties rural sab safe safety san sangyo santander sanyo sao sea
    secure sejahtera series sgps share shenyang shin shop showa shree siam silicon sino sky sm smith south
    space specialty spirit spirits spring sprott square stanley state steers sterling store stores
    strategy strats sugars sukses sumitomo summit sunrise sunshine super superior surgical sustainable
    sweden swiss tai tankers target tas tata team technical tekstil television terminal texas textiles
    thermal tibet time titanium tool tower toyo trade trans transmission tree trinity tungsten turizm turk
    turkiye tv tx uk unity universe up urban valve verde vertex victoria victory view virtus voya wah
    waste watch wave wealth well wilson wind wine wire wise wuhan yantai young yunnan zealand zhuhai zinc`,
  ],
  [
    3,
    `
    10 11 180 2006 2027 30 500 abb abc abp absolute academy acadia accel acceptance accessories ace acme
    acon acquisitions active ad adams advantaged advertising aei aero aether af africa age agile agritech
    aker alamos alfa alibaba alkali allen alliancebernstein allianz alloy alloys allspring allstate ally
    alpine altair altin alto altus ambalaj amt anadolu analytics angel anglo anonim antibodies ao aoki ap
    apac apex apparatus apparel apple appliance appliances applications aprogen aqua aquaculture aquila
    arabian archer arctic arena argan ark armour artificial arts ascent aspen asri associated association
    assurance aston astra asuransi at athena ati atlantis attica aura aurion austin authority automatic
    avalon ave avenue axis azure baby bahia baker baking baltic banc banque banyan barings base basin
    bausch bc beach beam bear bearing bearings belgium bell benchmark berman berry beteiligungs bf
    bilgisayar bintang biochemical bionics biopharm biosystems biotechnologies birla bit bitwise block
    bluerock bm body bohai bois bolsa bolt bombay boru box bp brain brake brasileira brazilian brewing
    brick british broad broadband broadcast brokers brown bt buana bukit bull bumi bureau bus buy bw
    cables cadence canyon capitaland capstone car card cardinal career caribbean carlyle carnival carriage
    carrier carriers casino casinos catering cathay cbre cecep celestial cellular cementos centrale
    centres ceramic ceramics cg champion chang change changhong changjiang changsha changzhou channel
    charging charles charter chase check cheng chesapeake chicago chinese ching choice chunghwa chuo
    churchill ci circle clothing clough club coast coastal cobalt cofco cognition collective columbus
    comercial comstock concept concepts conch concord concrete conduit connect connection connectivity
    constructions controladora cooper corning cosmos costar cotton county cpi craft crane cream create
    credito crescent cronos cross crumrine crystal cs csp cue cv cycle daechang daedong daehan daelim
    daesung daewon daiichi daily dairy daiwa dalian damai dang dare dassault datang dawn day dcm debt deep
    defi degerler degrees delek demir denali denki dental dentsu depository depot des desert designs
    destiny deutschland developpement dg dhunseri di diamonds diesel ding dis distillery distilling
    distribuidora district dokum dolphin dome dongguan doosan dor doubleline douglas dow dp dragonfly
    drive drugs dt duta dynasty earths easy ecology economic edge edison edp elbit electra electricals
    electro electron elektrik elektronik elephant eletrica elevator elite ellington emergency emergent
    emerson en encore end endustrisi enel energetics energi energie energo engenharia engine engineers
    engines england enlight enviro eos epsilon equities era esg essential estado eternal eurasia event
    everbright everest evolution excelsior exhibition explorations exports eye family fangda farm farma
    fashions fasteners fastighets federated feng ferro ferry fertilizers fg fibre fields fifth financiera
    financiero fire fisheries fitness fix fl flaherty flame flat flex flexible flow flower flying fondo
    fong foodstuff foresight forest forge forging fortress forval forward fountain francaise france fraser
    freedom freight frontier frozen fudan fudosan fujikura fukuoka fulgent full funding fundo funds
    furniture fuse fusion fuso futures gaia galileo gamble gamco game gan gansu garment garments gates
    gateway gcm gene generating genesis genie genius geo george gerais german geron gestion get getty
    giken giyim gladstone glen globe globus glory go goldman goldmining golf goliath goods goodyear
    gourmet government gp grainger grande graphic graphics graphite greater greenpower greentech greentown
    gro grocery groep grown gruppen guaranty guardian guggenheim ha hamilton hanil hanjin hankook hankuk
    hansol hanwha hanyang harbor harbour harmony hartford harvard harvest hava hawaiian hcm hdc healthy
    hefei heidelbergcement helium helix hellenic hennessy henry hercules hermes hess hg highland highlight
    hikari hills hilton hindustan hitech hizmetleri hk hna ho holdco honda hongda hongyuan hope horse
    household houston hs ht hub hughes human hung hunter huntington husbandry hutchison hybrid hydro
    hydrogen hyosung i3 ia icc ice icici id idaho ideal if ig iljin image immunotherapeutics imobiliario
    imobiliarios independent indigo indonesia industrie industrielle info infotech infraprojects
    infrastructures inland inmobiliaria inox insaat insight inspire interconnect intercontinental interior
    interlink interregional intuitive inversion investcorp investimento investimentos invl iot iris is
    isaac ishii islamic italia itochu its jack jade jb jd jersey jet jewellery jiang jiangnan jiangyin
    jiaoda jin jinneng jinzhou jm jones jubilant juice jumbo jupiter jushi just jw kagaku kaisa kako kb
    key kimura kimya kingfisher kingsmen kitchen kkr kodiak kolon komatsu kosan kronos kt kuang kumho
    kunming kunshan kura kyoritsu kyoto kyowa kyushu lakeland lam landmark lands lane lanzhou laser latin
    latvijas launch leader learning leather legacy legend lian light lincoln linde lines ling lippo liquor
    lite liuzhou local location logan logic logistik london loop lotte lotus louisiana lpg lucky luxe
    luzhou m3 madison mag magic magna magnetic magnolia mahindra mail maison majestic major mamulleri man
    mandiri mangalam maple mapletree marathon marketing marshall mart marti master matrix me meat
    medallion medicus medtech meiwa mer mercantile mercer merchant mercury mesa mexican micron
    microsystems midland milk mill millennium minas minerva mini minsheng mint miracle mitra mizuho mnc
    mobilya molecular monde mondo monitoring moon mori mosaic motion mount mr ms mueller mulia multiple
    municipals muniholdings mustang mutual my myers nabors nacional nanfang nanhua nanshan nasdaq nation
    navigation neo neuberger neuroscience news nextgen nexus nissan nitto nomad nomura nonferrous norte
    northeast norwegian novartis novatech novo nr nu nuclear nusa nutrition nutritional nxt nz oaktree
    odyssey ofg oi op opportunistic optic optimus opto or orange orchid organic organics organization orix
    osisko otomotiv otsuka outfitters outlet overwrite owl paint paints pal palm panca pangaea par paragon
    parent parker path pathfinder patriot patterson paulo payment payments pazarlama pb pearl pegasus
    pembangunan peng pennantpark pennsylvania perdana perfect perkasa perma permian perpetual persada
    personal pet petro petrochemicals petrol pg pgim pharmacy phillips pictures piedmont pineapple
    pinnacle pipeline pipes pizza plantations plasma plastik platforms platt plug plum pnc polaris pool
    portugal post pour pr pratama president press price principal print printing procter produce
    production profil project propertindo proptech provident province provincial prudential ptc
    publications puerto pulp pulse pumps pure purple putian putnam putra qt quartz ra rad radiant radio
    raffles rainbow ramco rand range rapid raya rayon rayonier recycling redwood refining regency
    regenerative reinsurance renaissance rent renta republic reserve resort retirement rex ri richmond
    ride riken riley rise risk rithm robinson robot rocket rockwell rocky rogers rogue roll ross rosseti
    royce ruentex sabre sachs sakai sakura salmon samil samyoung sands saneamento sankyo santo sarana sato
    saving savings scandinavian schneider sd seacoast seafood sector seed seeds seguros seiki seiko
    seimitsu seisakusho sekisui self seng sentosa seoul servicos ses sg shaanxi shack shares shih
    shijiazhuang shikoku shine shing shinsegae ship shipbuilding shoji shopping shore short shougang
    shuttle sierra sigma signal signature silk silvercrest simec sinomach sinopec sistemleri site sk skin
    sleep small smaller sociedad sociedade soft sol solaris solid sonic sonoma sons soon sound source
    southwest sp spac spain spar sparebanken spark spdr speciality spectrum speed sphere spinning spire
    split sport sporting spruce sri ss stainless states steamship steels stellar stem stone strauss strike
    student studio studios sub success suisse sundaram supreme sur surge surya sushi sverige symphony
    synergy synthetic systemes tag taisei taiyo take takeda tangshan taxable taylor tc td tea tec technos
    tecnologia tectonic teekay tek telefonica telephone telus tempest templeton tenax tera ternium terra
    territorial testing tetra textil therapies third thor thunder tian tianyuan tide tidewater tilt timber
    times tinto tire tirta tns to toho tohoku tokai token toll tong tongda tools toro tour towa towers
    toyota tpg tpi tractor training transalta transition tri triangle trillion trio trip truck true ts
    tunas tung turbine tvs twin tyres ultra un university unlimited upland uretim usha ut utama utility va
    valiant valores vanadium vaneck vehicle vehicles velocity venus versus video vikas viking village
    viper virgin virginia visa vista vital viva voyager vs vulcan wa walker wall warehouse washington
    watts way web welspun westrock wheel whirlpool white williams win wines wing wires wm wolverine wood
    woods woojin work wr write ww xcel xian xingye xinhua xinyuan xp ya yamaha yamato yangtze yangzhou yao
    yapi yatirimlar yellow yi yibin ying yokohama yuan yum yung yunhong yutaka zai zebra zenith zephyr
    zeta zhongtai zhongyuan zhou zhuzhou`,
  ],
]

/** A word of this count or less is as rare as can be told. */
const rarestCount = 1.5
const rarityOfCount = (count: number): number =>
  Math.log(namesCounted / count) / Math.log(namesCounted / rarestCount)

const rarities: ReadonlyMap<string, number> = new Map(
  frequent.flatMap(([count, words]) =>
    words
      .trim()
      .split(/\s+/u)
      .map((word) => [word, rarityOfCount(count * 1.4)] as const),
  ),
)

/** 1 for a word that hardly another company has, falling towards 0 the more do. */
export const rarityOf = (word: string): number => rarities.get(word) ?? 1
